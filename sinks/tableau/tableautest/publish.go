package tableautest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
)

// publication is a file on its way to become, or to change, a data source.
type publication struct {
	name        string
	description *string // nil: it stays
	projectID   string
	file        string // where the bytes are

	overwrite, append, replace, asJob bool

	publisher *user // nil: who signs in
}

func (s *Server) publish(w http.ResponseWriter, r *http.Request, t *site) error {
	wanted, err := s.readPublication(r, t)
	if err == nil {
		err = s.publishFile(w, r, t, wanted)
	}
	if err != nil && wanted.file != "" {
		err = errors.Join(err, removeIfThere(wanted.file))
	}
	return err
}

func removeIfThere(file string) error {
	if file == "" {
		return nil
	}
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (s *Server) readPublication(r *http.Request, t *site) (publication, error) {
	query := r.URL.Query()
	wanted := publication{
		overwrite: query.Get("overwrite") == "true", append: query.Get("append") == "true",
		replace: query.Get("replace") == "true", asJob: query.Get("asJob") == "true",
	}
	uploadID, described := query.Get("uploadSessionId"), false
	err := readParts(r, func(p part) error {
		switch {
		case p.name == "request_payload":
			described = true
			return wanted.describe(p)
		case p.name == "tableau_datasource" && uploadID == "":
			return s.receive(&wanted, p)
		}
		return refuse(http.StatusBadRequest, "400010", "the part %q has no place here", p.name)
	})
	switch {
	case err != nil:
		return wanted, err
	case !described:
		return wanted, refuse(http.StatusBadRequest, "400020", "there is no request payload")
	case uploadID != "" && !isKind("."+query.Get("datasourceType")):
		return wanted, refuse(http.StatusBadRequest, "400010", "only data sources of type hyper and tdsx are published here")
	case uploadID != "":
		wanted.file, err = s.takeUpload(t, uploadID)
		if err == nil && query.Get("datasourceType") == "tdsx" {
			err = unpack(wanted.file)
		}
		return wanted, err
	case wanted.file == "":
		return wanted, refuse(http.StatusBadRequest, "400020", "there is no file")
	}
	return wanted, nil
}

func (p *publication) describe(payload part) error {
	content, err := readAsk(payload.content)
	if err != nil {
		return err
	}
	wanted := content.Datasource
	if wanted == nil || wanted.Name == nil || *wanted.Name == "" {
		return refuse(http.StatusBadRequest, "400000", "the data source has no name")
	}
	p.name, p.description, p.projectID = *wanted.Name, wanted.Description, wanted.Project.ID
	return nil
}

// receive stores the file of a single request.
func (s *Server) receive(wanted *publication, p part) error {
	if !isKind(path.Ext(p.fileName)) {
		return refuse(http.StatusBadRequest, "400010", "the file %q is neither a .hyper nor a .tdsx file", p.fileName)
	}
	wanted.file = s.newFile()
	_, err := writeAt(wanted.file, 0, p.content)
	if err == nil && path.Ext(p.fileName) == ".tdsx" {
		err = unpack(wanted.file)
	}
	return err
}

// isKind says whether files that end so are published.
func isKind(extension string) bool { return extension == ".hyper" || extension == ".tdsx" }

// publishFile checks the request against what there is, and publishes at once or as a job.
func (s *Server) publishFile(w http.ResponseWriter, r *http.Request, t *site, wanted publication) error {
	target, err := s.occupyTarget(t, wanted)
	if err != nil {
		return err
	}
	work := func(ctx context.Context) error { return s.apply(ctx, t, wanted, target) }
	if faultOf(r).FailJob {
		work = s.failing(target, wanted.file)
	}
	if wanted.asJob {
		started := s.startJob(t, &job{kind: "PublishDatasource"}, work)
		writeReply(w, http.StatusCreated, reply{Job: s.element(started, faultOf(r))})
		return nil
	}
	if err := work(r.Context()); err != nil {
		return refuse(http.StatusBadRequest, "400011", "the file cannot be published: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	element := target.element()
	writeReply(w, http.StatusCreated, reply{Datasource: &element})
	return nil
}

// occupyTarget finds the data source, or makes one that is not listed yet, and keeps
// others from publishing to it.
func (s *Server) occupyTarget(t *site, wanted publication) (*datasource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := t.projects[0]
	if wanted.projectID != "" {
		in = t.projectWithID(wanted.projectID)
	}
	if in == nil {
		return nil, refuse(http.StatusNotFound, "404005", "there is no project %s", wanted.projectID)
	}
	existing := t.datasourceNamed(in, wanted.name)
	switch {
	case wanted.overwrite && wanted.append:
		return nil, refuse(http.StatusBadRequest, "400055", "overwrite and append exclude each other")
	case existing == nil && (wanted.append || wanted.replace):
		return nil, refuse(http.StatusNotFound, "404004", "there is no data source %q", wanted.name)
	case existing != nil && !wanted.append && !wanted.replace && !wanted.overwrite:
		return nil, refuse(http.StatusForbidden, "403007", "there is a data source %q already", wanted.name)
	case existing != nil && existing.busy:
		return nil, refuse(http.StatusForbidden, "403131", "the data source %q is being published", wanted.name)
	case existing != nil:
		existing.busy = true
		return existing, nil
	}
	return t.newDatasource(in, wanted.name), nil
}

// apply makes the file the content of the data source, or adds its rows to it.
func (s *Server) apply(ctx context.Context, t *site, wanted publication, target *datasource) error {
	file := wanted.file
	var err error
	if wanted.append {
		file = s.newFile()
		err = s.engine.change(ctx, target.path, wanted.file, file, appendRows)
		err = errors.Join(err, os.Remove(wanted.file))
	}
	return s.settle(target, err, func() error { return s.revise(t, target, file, wanted) })
}

// settle ends the change of a data source: by take, unless it failed.
func (s *Server) settle(target *datasource, failed error, take func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	target.busy = false
	if failed != nil {
		return failed
	}
	return take()
}

// revise makes a file the current revision of a data source, which may be a new one. The caller holds the lock.
func (s *Server) revise(t *site, target *datasource, file string, by publication) error {
	made := revision{number: target.number + 1, path: file, published: s.now(), publisher: cmp.Or(by.publisher, t.users[0])}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err
	case target.created.IsZero() && t.datasourceNamed(target.project, target.name) != nil:
		return errors.Join(fmt.Errorf("a data source %q was published meanwhile", target.name), os.Remove(file))
	case target.created.IsZero():
		target.created = made.published
		t.datasources = append(t.datasources, target)
	default:
		target.past = append(target.past, target.revision)
	}
	made.size = info.Size()
	target.revision, target.updated = made, made.published
	target.description = given(by.description, target.description)
	return target.prune(s.config.Revisions)
}

// failing is work that fails, and leaves a data source as it is.
func (s *Server) failing(target *datasource, file string) func(context.Context) error {
	return func(context.Context) error {
		return errors.Join(s.settle(target, errors.New("a fault was asked for"), nil), removeIfThere(file))
	}
}
