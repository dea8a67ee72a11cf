package tableautest

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// The kinds of what can be refreshed.
const (
	kindWorkbook = "workbook"
	kindFlow     = "flow"
	kindTask     = "task"
)

// content is something that can be refreshed.
type content struct {
	kind    string
	id      string
	name    string
	project *project
	running *job // its latest refresh; nil if there was none
}

func (t *site) addContent(config Config) {
	for kind, paths := range map[string][]string{kindWorkbook: config.Workbooks, kindFlow: config.Flows} {
		for _, path := range paths {
			names := strings.Split(path, "/")
			last := len(names) - 1
			t.content = append(t.content, &content{kind: kind, id: uuid.NewString(), name: names[last], project: t.ensureProject(names[:last])})
		}
	}
	for _, id := range config.Tasks {
		t.content = append(t.content, &content{kind: kindTask, id: id, name: id})
	}
}

// Refreshed returns what was refreshed on a site, such as "workbook Book", in the order in which it was asked for.
func (s *Server) Refreshed(contentURL string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, t := range s.sites {
		if t.contentURL == contentURL {
			all = append(all, t.refreshed...)
		}
	}
	return all
}

func (s *Server) listWorkbooks(w http.ResponseWriter, r *http.Request, t *site) error {
	page, pagination, err := t.pageOfContent(kindWorkbook, r)
	if err == nil {
		writeReply(w, http.StatusOK, reply{Pagination: pagination, Workbooks: &page})
	}
	return err
}

func (s *Server) listFlows(w http.ResponseWriter, r *http.Request, t *site) error {
	page, pagination, err := t.pageOfContent(kindFlow, r)
	if err == nil {
		writeReply(w, http.StatusOK, reply{Pagination: pagination, Flows: &page})
	}
	return err
}

// pageOfContent is the page that a request asks for of what can be refreshed.
func (t *site) pageOfContent(kind string, r *http.Request) ([]contentElement, *paginationElement, error) {
	matches, err := readFilter(r.URL.Query())
	if err != nil {
		return nil, nil, err
	}
	found := []contentElement{}
	for _, c := range t.content {
		if c.kind == kind && matches("name", c.name) {
			found = append(found, contentElement{ID: c.id, Name: c.name, Project: &referenceElement{ID: c.project.id, Name: c.project.name}})
		}
	}
	return pageOf(found, r.URL.Query())
}

// refresh starts a job that refreshes something; there is one at a time.
func (s *Server) refresh(kind string) func(http.ResponseWriter, *http.Request, *site) error {
	return func(w http.ResponseWriter, r *http.Request, t *site) error {
		at := slices.IndexFunc(t.content, func(c *content) bool { return c.kind == kind && c.id == r.PathValue("id") })
		if at < 0 {
			return refuse(http.StatusNotFound, "404000", "there is no %s %s", kind, r.PathValue("id"))
		}
		wanted := t.content[at]
		s.mu.Lock()
		waiting := wanted.running != nil && wanted.running.completed.IsZero()
		s.mu.Unlock()
		if waiting {
			return refuse(http.StatusConflict, "409093", "the %s is being refreshed already", kind)
		}
		work := func(context.Context) error { return nil }
		if faultOf(r).FailJob {
			work = func(context.Context) error { return refuse(http.StatusBadRequest, "400011", "a fault was asked for") }
		}
		started := s.startJob(t, &job{kind: "RefreshExtract"}, work)
		s.mu.Lock()
		wanted.running = started
		t.refreshed = append(t.refreshed, kind+" "+wanted.name)
		s.mu.Unlock()
		writeReply(w, http.StatusAccepted, reply{Job: s.element(started, faultOf(r))})
		return nil
	}
}
