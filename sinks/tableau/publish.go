package tableau

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Mode says what a publication does to a data source of its name.
type Mode string

// The modes of publication.
const (
	Create    Mode = "create"    // it must not exist
	Overwrite Mode = "overwrite" // it is made or replaced
	Append    Mode = "append"    // it must exist, and its rows stay
	Replace   Mode = "replace"   // it must exist; its data are exchanged in place
)

// AsJob says whether the server publishes in the background.
type AsJob int

// The zero value chooses by size: a proxy may not wait until a large file is published.
const (
	JobIfLarge AsJob = iota // from 64 MB on
	JobAlways
	JobNever
)

// Publication is what [Client.Publish] publishes.
type Publication struct {
	File        string // path of a .hyper file, or of a .tdsx file
	Name        string // of the data source
	ProjectID   string // empty: the site's default project
	Description string
	Mode        Mode
	AsJob       AsJob

	// Progress is told how many bytes of the file were sent. The count begins again when
	// an upload starts over. Nil: nobody is.
	Progress func(sent, total int64)
	// Sending is called before every request that may change the data source; its error ends
	// the publication. Nil: nothing is.
	Sending func() error
	// JobProgress is told the state of the job each time it is asked for. Nil: nobody is.
	JobProgress func(Job)
}

// Published is what became of a publication.
type Published struct {
	Datasource Datasource
	JobID      string // empty without a job
	Bytes      int64
	// Confirmed says that the reply was lost, and that the success is known from looking
	// at the data source.
	Confirmed bool
}

// Publish sends a file and returns when it is published.
//
// Before a byte is sent, the data source is looked up: one that exists already in mode
// create is an error that [IsConflict] knows, one that is missing in modes append and
// replace an error that [IsNotFound] knows. When the reply to a publication is lost, the
// data source is looked at again: if it changed, that was the publication. If not,
// create, overwrite and replace are sent again. Append never is, whose outcome then is
// an [OutcomeUnknownError]. Other failures are *Error or *[JobError].
func (c *Client) Publish(ctx context.Context, publication Publication) (Published, error) {
	action := fmt.Sprintf("publish %q", publication.Name)
	if publication.Name == "" {
		return Published{}, misuse(action, "set publish.datasource", "the data source has no name")
	}
	if err := c.prepare(); err != nil {
		return Published{}, err
	}
	file, err := os.Open(publication.File)
	if err != nil {
		return Published{}, &Error{Action: action, err: err, Hint: fileHint}
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", publication.File)
	}
	if err != nil {
		return Published{}, &Error{Action: action, err: err, Hint: fileHint}
	}
	p := &publisher{
		Publication: publication, c: c, action: action, file: file, size: info.Size(),
		meter: &meter{total: info.Size(), report: publication.Progress},
	}
	p.large = p.size >= c.largeFrom
	p.asJob = publication.AsJob == JobAlways || publication.AsJob == JobIfLarge && p.large
	if err := p.lookBefore(ctx); err != nil {
		return Published{}, err
	}
	published, err := p.publish(ctx)
	published.Bytes = p.size
	return published, err
}

// publisher is a publication under way.
type publisher struct {
	Publication
	c      *Client
	action string
	file   *os.File
	size   int64
	large  bool // sent in chunks
	asJob  bool
	meter  *meter

	existed bool
	before  Datasource // as it was, if it existed

	uploadID      string // of what was uploaded and waits to be published
	uploadedAgain bool
	doubt         bool // an earlier try may have been executed
	others        occupation
}

// lookBefore finds the data source as it is, and fails if the mode does not fit.
func (p *publisher) lookBefore(ctx context.Context) error {
	if p.ProjectID == "" {
		project, err := p.c.FindProject(ctx, "")
		if err != nil {
			return err
		}
		p.ProjectID = project.ID
	}
	found, exists, now, err := p.c.lookUp(ctx, p.ProjectID, p.Name)
	if err != nil {
		return err
	}
	p.before, p.existed = found, exists
	switch p.Mode {
	case Create:
		if exists {
			return &Error{Action: p.action, err: fmt.Errorf("the data source %w", ErrExists), Hint: existsHint}
		}
	case Append, Replace:
		if !exists {
			return &Error{Action: p.action, err: fmt.Errorf("data source %w in the project", ErrNotFound), Hint: hints["404004"]}
		}
		return p.passSecond(ctx, now)
	case Overwrite:
	default:
		return &Error{Action: p.action, err: fmt.Errorf("unknown mode %q", p.Mode), Hint: "modes are create, overwrite, append and replace"}
	}
	return nil
}

// passSecond waits until the second is over in which the data source was last changed.
// The server tells times to the second: a later change would look like none.
func (p *publisher) passSecond(ctx context.Context, now time.Time) error {
	if now.IsZero() || now.Sub(p.before.UpdatedAt).Abs() > time.Second {
		return nil
	}
	return p.c.pause(ctx, 2*time.Second-now.Sub(p.before.UpdatedAt))
}

// maxPublishTries bounds how often a publication is sent.
const maxPublishTries = 6

// publish sends the publication until its outcome is known, or cannot be.
func (p *publisher) publish(ctx context.Context) (Published, error) {
	for try := 0; ; try++ {
		if err := p.ensureUploaded(ctx); err != nil {
			if p.doubt {
				return Published{}, p.unknown("", err)
			}
			return Published{}, err
		}
		reply, err := p.send(ctx)
		if err == nil {
			return p.finish(ctx, reply)
		}
		if !p.mayBeDone(err) {
			if err := p.beforeNextTry(ctx, err); err != nil {
				return Published{}, err
			}
			continue
		}
		found, changed, lookErr := p.lookAfter(ctx, p.patience(err, try))
		switch {
		case changed:
			return Published{Datasource: found, Confirmed: true}, nil
		case lookErr != nil:
			return Published{}, p.unknown("", fmt.Errorf("%w; looking at the data source: %w", err, lookErr))
		case p.Mode == Append || try+1 >= maxPublishTries:
			return Published{}, p.unknown("", err)
		case !p.worthRepeating(err):
			return Published{}, err
		}
		p.c.log().Warn("a publication failed and left no trace, sending it again", "datasource", p.Name)
	}
}

// ensureUploaded uploads a large file, unless the server has it, and looks at the data
// source again: what counts is how it is when it is published to.
func (p *publisher) ensureUploaded(ctx context.Context) error {
	if !p.large || p.uploadID != "" {
		return nil
	}
	var err error
	if p.uploadID, err = p.c.upload(ctx, p.file, p.size, p.meter); err != nil || p.doubt {
		return err
	}
	return p.lookBefore(ctx) // somebody else may have changed it meanwhile
}

// kind is the end of the file's name, by which the server knows what it is.
func (p *publisher) kind() string {
	if strings.EqualFold(filepath.Ext(p.File), extensionPackage) {
		return extensionPackage
	}
	return extensionHyper
}

// send has the server publish the file, once.
func (p *publisher) send(ctx context.Context) (*response, error) {
	content, err := request{Datasource: &wireNewSource{
		Name: p.Name, Description: p.Description, Project: &wireReference{ID: p.ProjectID},
	}}.encode()
	if err != nil {
		return nil, &Error{Action: p.action, err: err}
	}
	query := url.Values{}
	if p.Mode != Create {
		query.Set(string(p.Mode), "true")
	}
	if p.asJob {
		query.Set("asJob", "true")
	}
	var file *fileRange
	if p.large {
		query.Set("uploadSessionId", p.uploadID)
		query.Set("datasourceType", strings.TrimPrefix(p.kind(), "."))
	} else {
		file = &fileRange{source: p.file, size: p.size, meter: p.meter}
	}
	body, err := multipartBody(content, partDatasource, fileName+p.kind(), file)
	if err != nil {
		return nil, &Error{Action: p.action, err: err}
	}
	call := call{
		action: p.action, method: http.MethodPost, path: "/sites/{site}/datasources",
		query: query, body: body, timeout: max(syncPublishTimeout, p.c.requestTimeout()),
	}
	if p.Sending != nil {
		if err := p.Sending(); err != nil {
			return nil, err
		}
	}
	reply, err := p.c.do(ctx, call)
	if err == nil && (reply.Job == nil || reply.Job.ID == "") && (reply.Datasource == nil || reply.Datasource.ID == "") {
		return nil, p.c.incomplete(call, reply, "the reply names neither a data source nor a job")
	}
	return reply, err
}

// mayBeDone says whether this try or an earlier one may have been executed.
func (p *publisher) mayBeDone(failed error) bool {
	var e *Error
	p.doubt = p.doubt || errors.As(failed, &e) && e.unknown()
	return p.doubt
}

// worthRepeating says whether a publication that left no trace may succeed the next time:
// not if the server refuses it.
func (p *publisher) worthRepeating(failed error) bool {
	if hasCode(failed, codeUploadMissing) { // used up by the earlier try
		p.uploadID = ""
		return true
	}
	var e *Error
	return errors.As(failed, &e) && (e.unknown() || e.Code == codeBeingPublished)
}

// beforeNextTry prepares another try after one that the server refused, or returns why
// there is none.
func (p *publisher) beforeNextTry(ctx context.Context, refused error) error {
	switch {
	case hasCode(refused, codeUploadMissing) && p.large && !p.uploadedAgain: // a new session may not see it
		p.uploadID, p.uploadedAgain = "", true
		return nil
	case IsBusy(refused) && p.Mode != Append:
		if err := p.others.wait(ctx, p.c, refused); err != nil {
			return err
		}
		return p.refresh(ctx)
	case hasCode(refused, codeExistsOrNoRight):
		return p.tellApart(ctx, refused)
	}
	return refused
}
