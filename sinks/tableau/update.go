package tableau

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
)

// ActionKind says what an action does with rows of the target table.
type ActionKind string

// The kinds of actions. All but Insert and Replace have a condition.
const (
	Insert     ActionKind = "insert"  // every row of the payload
	UpdateRows ActionKind = "update"  // those that match get the values of the payload
	Upsert     ActionKind = "upsert"  // update, and insert the rows that match none
	Delete     ActionKind = "delete"  // those that match
	ReplaceAll ActionKind = "replace" // all rows by those of the payload
)

// Action changes one table of a published data source. The server runs the actions of an
// update in order, and all of them or none.
type Action struct {
	Kind         ActionKind `json:"action"`
	SourceSchema string     `json:"source-schema,omitempty"` // of the table in the payload
	SourceTable  string     `json:"source-table,omitempty"`
	TargetSchema string     `json:"target-schema,omitempty"` // of the table in the data source
	TargetTable  string     `json:"target-table"`
	Condition    *Condition `json:"condition,omitempty"`
}

// Condition selects rows: a comparison of two columns or of a column with a constant, or
// other conditions joined by "and", "or" or "not".
type Condition struct {
	Op           string      `json:"op"` // passed on as it is
	Args         []Condition `json:"args,omitempty"`
	SourceColumn string      `json:"source-col,omitempty"`
	TargetColumn string      `json:"target-col,omitempty"`
	Const        *Constant   `json:"const,omitempty"`
}

// Constant is a value in a condition.
type Constant struct {
	Type  string `json:"type"` // boolean, datetime, double, integer or string
	Value string `json:"v"`
}

// Match is the condition that columns are equal on both sides. A NULL equals nothing.
func Match(columns ...string) *Condition {
	equal := make([]Condition, len(columns))
	for i, column := range columns {
		equal[i] = Condition{Op: "eq", SourceColumn: column, TargetColumn: column}
	}
	switch len(equal) {
	case 0:
		return nil
	case 1:
		return &equal[0]
	}
	return &Condition{Op: "and", Args: equal}
}

// TableRef names a table.
type TableRef struct{ Schema, Name string }

func (t TableRef) String() string { return t.Schema + "." + t.Name }

// NewAction makes an action on the rows of target whose columns match equals those of a
// row of source. Insert and ReplaceAll have no match, the others need one; anything else, and an unknown kind, is an
// *[Error] with a hint.
func NewAction(kind ActionKind, source, target TableRef, match []string) (Action, error) {
	action := Action{
		Kind: kind, SourceSchema: source.Schema, SourceTable: source.Name,
		TargetSchema: target.Schema, TargetTable: target.Name, Condition: Match(match...),
	}
	name := fmt.Sprintf("%s rows of table %s", kind, target)
	switch kind {
	case Insert, ReplaceAll:
		if len(match) > 0 {
			return Action{}, misuse(name, "drop match", "mode %s takes no match", kind)
		}
	case UpdateRows, Upsert, Delete:
		if len(match) == 0 {
			return Action{}, misuse(name, "name the columns that identify a row in match", "mode %s needs a match", kind)
		}
	default:
		return Action{}, misuse(name, "modes of data updates are insert, update, upsert, delete and replace", "unknown mode %q", kind)
	}
	return action, nil
}

// Update is a change of the data of a published data source, which must have been
// published as a .hyper file.
type Update struct {
	DatasourceID string
	ConnectionID string // needed only if the data source has several connections
	// RequestID identifies the update: for 24 hours the server executes it once, however
	// often it is sent. Derive it from what is meant to happen once.
	RequestID string
	Actions   []Action
	// Payload is the path of a .hyper file with the source tables; empty if no action has
	// one. That of a delete may hold no column that the condition does not name.
	Payload string
	// Again says that the same was sent before, and may have been executed: it is not held against
	// Client.PayloadLimit, since the server knows only the same payload again.
	Again bool

	Progress    func(sent, total int64) // as in [Publication]
	Sending     func() error            // as in [Publication]
	JobProgress func(Job)               // as in [Publication]
}

// MostPayload is how many bytes the payload of a data update may have.
func (c *Client) MostPayload() int64 {
	if c.PayloadLimit > 0 {
		return c.PayloadLimit
	}
	return DefaultPayloadLimit
}

// UpdateData uploads the payload, has the server execute the actions, and waits for their
// job. Requests whose reply was lost are sent again with the same RequestID. It fails with
// a *PayloadTooLargeError before anything is sent if the payload is over
// Client.PayloadLimit, and after if it is over the server's. It fails with an
// *[OutcomeUnknownError] if a reply was lost and no later one names the job, whatever later
// ones say, and if the server has forgotten the job. Repeating the update with its RequestID
// is harmless for 24 hours.
func (c *Client) UpdateData(ctx context.Context, update Update) (Job, error) {
	const action = "update the data source"
	switch {
	case update.DatasourceID == "" || update.RequestID == "":
		return Job{}, misuse(action, "set DatasourceID and RequestID", "it lacks the id of the data source or a request id")
	case len(update.Actions) == 0:
		return Job{}, misuse(action, "make one with NewAction", "it has no action")
	}
	u := &updater{Update: update, c: c, action: action}
	if err := u.open(); err != nil {
		return Job{}, err
	}
	defer u.close()
	s, err := c.session(ctx)
	if err != nil {
		return Job{}, err
	}
	if s.version.Before(updatesAPI) {
		return Job{}, &Error{
			Action: action, err: fmt.Errorf("the server speaks version %s of the REST API; data updates need %s", s.version, updatesAPI),
			Hint: "Tableau Server 2021.2 or newer is needed; publish with mode overwrite instead",
		}
	}
	return u.run(ctx)
}

// updater is an update under way.
type updater struct {
	Update
	c      *Client
	action string
	file   *os.File // nil without payload
	size   int64
	doubt  error // an earlier try may have been executed, and this is how it failed; nil if none
}

// open opens the payload and checks its size.
func (u *updater) open() error {
	if u.Payload == "" {
		return nil
	}
	file, err := os.Open(u.Payload)
	if err != nil {
		return &Error{Action: u.action, err: err, Hint: fileHint}
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return &Error{Action: u.action, err: err, Hint: fileHint}
	}
	if limit := u.c.MostPayload(); info.Size() > limit && !u.Again {
		file.Close()
		return fmt.Errorf("%s: %w", u.action, &PayloadTooLargeError{Bytes: info.Size(), Limit: limit})
	}
	u.file, u.size = file, info.Size()
	return nil
}

func (u *updater) close() {
	if u.file != nil {
		u.file.Close()
	}
}

func (u *updater) run(ctx context.Context) (Job, error) {
	reply, err := u.c.whenFree(ctx, u.send)
	if hasCode(err, codeUploadMissing) { // a new session may not see what the old one uploaded
		reply, err = u.send(ctx)
	}
	if err != nil && u.doubt != nil && !inDoubt(err) {
		err = &doubtedError{err: err, doubt: u.doubt}
	}
	if err != nil {
		return Job{}, u.explain(err)
	}
	if reply.Job == nil || reply.Job.ID == "" {
		return Job{}, &OutcomeUnknownError{Action: u.action, Harmless: true, Hint: u.repeatHint(), Err: errors.New("the reply names no job")}
	}
	job, err := u.c.WaitForJob(ctx, reply.Job.ID, u.JobProgress)
	var unknown *OutcomeUnknownError
	if errors.As(err, &unknown) {
		return job, &OutcomeUnknownError{Action: u.action, JobID: job.ID, Harmless: true, Hint: u.repeatHint(), Err: unknown.Err}
	}
	if err != nil {
		return job, fmt.Errorf("%s: %w", u.action, err)
	}
	return job, nil
}

// send uploads the payload and sends the actions.
func (u *updater) send(ctx context.Context) (*response, error) {
	content, err := json.Marshal(struct {
		Actions []Action `json:"actions"`
	}{u.Actions})
	if err != nil {
		return nil, &Error{Action: u.action, err: err}
	}
	query := url.Values{}
	if u.file != nil {
		id, err := u.c.upload(ctx, u.file, u.size, &meter{total: u.size, report: u.Progress})
		if err != nil {
			return nil, err
		}
		query.Set("uploadSessionId", id)
	}
	path := "/sites/{site}/datasources/" + url.PathEscape(u.DatasourceID)
	if u.ConnectionID != "" {
		path += "/connections/" + url.PathEscape(u.ConnectionID)
	}
	body := xmlBody(content)
	body.contentType = "application/json"
	if u.Sending != nil {
		if err := u.Sending(); err != nil {
			return nil, err
		}
	}
	reply, err := u.c.do(ctx, call{
		action: u.action, method: http.MethodPatch, path: path + "/data", query: query, body: body,
		header: http.Header{"Requestid": {u.RequestID}}, repeatable: true, changes: true,
	})
	if u.doubt == nil && inDoubt(err) {
		u.doubt = err
	}
	return reply, err
}

// explain recognises a failure after which the update may have been executed, and the refusal
// of a payload, which has no code of its own.
func (u *updater) explain(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case inDoubt(err):
		return &OutcomeUnknownError{Action: u.action, Harmless: true, Hint: u.repeatHint(), Err: err}
	case e.Status == http.StatusRequestEntityTooLarge && u.file != nil && e.changes:
		return fmt.Errorf("%s: %w", u.action, &PayloadTooLargeError{Bytes: u.size, Err: err})
	}
	return err
}

func (u *updater) repeatHint() string {
	return "repeat the update within 24 hours: the server executes request id " + u.RequestID + " once"
}
