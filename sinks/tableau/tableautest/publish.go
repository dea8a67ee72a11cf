package tableautest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"

	"github.com/google/uuid"
)

// publication is a file on its way to become, or to change, a data source.
type publication struct {
	name        string
	description string
	projectID   string
	file        string // where the bytes are

	overwrite, append, replace, asJob bool
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
	case uploadID != "" && query.Get("datasourceType") != "hyper":
		return wanted, refuse(http.StatusBadRequest, "400010", "only data sources of type hyper are published here")
	case uploadID != "":
		wanted.file, err = s.takeUpload(t, uploadID)
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
	if content.Datasource == nil || content.Datasource.Name == "" {
		return refuse(http.StatusBadRequest, "400000", "the data source has no name")
	}
	p.name, p.description, p.projectID = content.Datasource.Name, content.Datasource.Description, content.Datasource.Project.ID
	return nil
}

// receive stores the file of a single request.
func (s *Server) receive(wanted *publication, p part) error {
	if path.Ext(p.fileName) != ".hyper" {
		return refuse(http.StatusBadRequest, "400010", "the file %q is not a .hyper file", p.fileName)
	}
	wanted.file = s.newFile()
	_, err := writeAt(wanted.file, 0, p.content)
	return err
}

// publishFile checks the request against what there is, and publishes at once or as a job.
func (s *Server) publishFile(w http.ResponseWriter, r *http.Request, t *site, wanted publication) error {
	target, err := s.occupyTarget(t, wanted)
	if err != nil {
		return err
	}
	work := func(ctx context.Context) error { return s.apply(ctx, t, wanted, target) }
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
	return &datasource{id: uuid.NewString(), connectionID: uuid.NewString(), name: wanted.name, project: in}, nil
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
	return s.settle(t, target, file, wanted.description, err)
}

// settle gives a data source its new file, unless err says that there is none.
func (s *Server) settle(t *site, target *datasource, file, description string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	target.busy = false
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	old := target.path
	if old == "" && t.datasourceNamed(target.project, target.name) != nil {
		return errors.Join(fmt.Errorf("a data source %q was published meanwhile", target.name), os.Remove(file))
	}
	target.path, target.size, target.updated = file, info.Size(), now()
	if description != "" {
		target.description = description
	}
	if old == "" {
		target.created = target.updated
		t.datasources = append(t.datasources, target)
		return nil
	}
	return os.Remove(old)
}
