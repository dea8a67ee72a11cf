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

// RunsAsJob says whether the server publishes a file of so many bytes in the background.
func (c *Client) RunsAsJob(choice AsJob, bytes int64) bool {
	return choice == JobAlways || choice == JobIfLarge && bytes >= c.largeFrom
}

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
	Ended      time.Time // by the server's clock; zero if it does not tell
}

// Publish sends a file and returns when it is published, which only the reply to the
// publication or the end of its job tells.
//
// Before a byte is sent, the data source is looked up: one that exists already in mode
// create is an error that [IsConflict] knows, one that is missing in modes append and
// replace an error that [IsNotFound] knows. When a reply is lost or a job is forgotten, create,
// overwrite and replace are sent again, append never is. Once a try may have been executed, what
// later ones are told does not undo it: the failure is an *[OutcomeUnknownError]. Other failures
// are *Error or *[JobError].
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
	p.large = c.inChunks(p.size)
	p.asJob = c.RunsAsJob(publication.AsJob, p.size)
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

	uploadID      string // of what was uploaded and waits to be published
	uploadedAgain bool
	doubt         error // an earlier try may have been executed, and this is how it failed; nil if none
	forgotten     bool  // the job of an earlier try was forgotten
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
	_, exists, _, err := p.c.lookUp(ctx, p.ProjectID, p.Name)
	if err != nil {
		return err
	}
	switch p.Mode {
	case Create:
		if exists {
			return &Error{Action: p.action, err: fmt.Errorf("the data source %w", ErrExists), Hint: existsHint}
		}
	case Append, Replace:
		if !exists {
			return &Error{Action: p.action, err: fmt.Errorf("data source %w in the project", ErrNotFound), Hint: hints["404004"]}
		}
	case Overwrite:
	default:
		return &Error{Action: p.action, err: fmt.Errorf("unknown mode %q", p.Mode), Hint: "modes are create, overwrite, append and replace"}
	}
	return nil
}

// maxPublishTries bounds how often a publication is sent.
const maxPublishTries = 6

// publish sends the publication until its outcome is known, or cannot be.
func (p *publisher) publish(ctx context.Context) (Published, error) {
	for try := 0; ; try++ {
		published, err := p.publishOnce(ctx)
		if err == nil {
			return published, nil
		}
		if p.doubt == nil && (inDoubt(err) || IsOutcomeUnknown(err)) {
			p.doubt = err
		}
		if p.doubt == nil {
			err = p.beforeNextTry(ctx, err)
		} else if p.Mode == Append || try+1 >= maxPublishTries || !p.worthRepeating(err) {
			err = p.unknown(published.JobID, err)
		} else {
			p.c.log().Warn("nobody knows whether a publication was executed, sending it again", "datasource", p.Name, "error", err.Error())
			if waitErr := p.c.Wait(ctx, p.waitAfter(err, try)); waitErr != nil {
				err = p.unknown(published.JobID, fmt.Errorf("%w; waiting: %w", err, waitErr))
			} else {
				err = nil
			}
		}
		if err != nil {
			return published, err
		}
	}
}

// publishOnce sends the publication, and waits for its end.
func (p *publisher) publishOnce(ctx context.Context) (Published, error) {
	if err := p.ensureUploaded(ctx); err != nil {
		return Published{}, err
	}
	reply, err := p.send(ctx)
	if err != nil {
		return Published{}, err
	}
	return p.finish(ctx, reply)
}

// ensureUploaded uploads a large file, unless the server has it, and looks at the data
// source again: what counts is how it is when it is published to.
func (p *publisher) ensureUploaded(ctx context.Context) error {
	if !p.large || p.uploadID != "" {
		return nil
	}
	var err error
	if p.uploadID, err = p.c.upload(ctx, p.file, p.size, p.meter); err != nil || p.doubt != nil {
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
		query: query, body: body, timeout: max(syncPublishTimeout, p.c.requestTimeout()), changes: true,
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

// worthRepeating says whether a publication of which a try may have been executed may
// succeed the next time: not if the server refuses it.
func (p *publisher) worthRepeating(failed error) bool {
	var e *Error
	switch {
	case hasCode(failed, codeJobMissing, codeJobExpired): // all of it has to be sent again: once
		again := !p.forgotten
		p.uploadID, p.forgotten = "", true
		return again
	case !errors.As(failed, &e) || !e.changes:
		return false
	case e.Code == codeUploadMissing: // used up by the earlier try
		p.uploadID = ""
		return true
	}
	return e.transient() || e.garbled || e.Code == codeBeingPublished
}

// waitAfter is how long to wait before a publication is sent again of which a try may have
// been executed, or still is.
func (p *publisher) waitAfter(failed error, try int) time.Duration {
	var e *Error
	errors.As(failed, &e)
	switch {
	case hasCode(failed, codeBeingPublished): // perhaps by the earlier try
		return busyWaits[min(max(try-1, 0), len(busyWaits)-1)]
	case e != nil && e.RetryAfter > 0 && e.RetryAfter <= longestWait:
		return e.RetryAfter
	}
	return transientWaits[min(try, len(transientWaits)-1)]
}

// beforeNextTry prepares another try after one that the server refused, or returns why
// there is none.
func (p *publisher) beforeNextTry(ctx context.Context, refused error) error {
	var e *Error
	switch {
	case !errors.As(refused, &e) || !e.changes:
	case hasCode(refused, codeUploadMissing) && p.large && !p.uploadedAgain: // a new session may not see it
		p.uploadID, p.uploadedAgain = "", true
		return nil
	case IsBusy(refused) && p.Mode != Append:
		if err := p.others.wait(ctx, p.c, refused); err != nil {
			return err
		}
		return nil
	case hasCode(refused, codeExistsOrNoRight):
		return p.tellApart(ctx, refused)
	}
	return refused
}
