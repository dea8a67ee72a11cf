package tableautest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

type project struct {
	id          string
	name        string
	description string
	parent      string
	hidden      bool // listed for nobody
}

func (p *project) element() projectElement {
	return projectElement{ID: p.id, Name: p.name, Description: p.description, ParentID: p.parent, ContentPermissions: "ManagedByOwner"}
}

type datasource struct {
	id           string
	connectionID string
	name         string
	description  string
	project      *project
	created      time.Time
	updated      time.Time
	owner        *user
	tags         []string
	certified    bool
	note         string // of the certification
	busy         bool   // being published or updated

	revision            // the current one
	past     []revision // the earlier ones, oldest first
}

// user is somebody on a site.
type user struct {
	id   string
	name string
}

func (u *user) reference() *referenceElement { return &referenceElement{ID: u.id, Name: u.name} }

func (d *datasource) element() datasourceElement {
	return datasourceElement{
		ID: d.id, Name: d.name, ContentURL: strings.ReplaceAll(d.name, " ", ""), Description: d.description, Type: "hyper",
		Size: megabytes(d.size), CreatedAt: stamp(d.created), UpdatedAt: stamp(d.updated),
		Project: &referenceElement{ID: d.project.id, Name: d.project.name}, Owner: d.owner.reference(), Tags: tagElements(d.tags),
		Certified: d.certified, CertificationNote: d.note,
	}
}

// newDatasource makes one that is not listed yet, of the user who signs in.
func (t *site) newDatasource(in *project, name string) *datasource {
	return &datasource{id: uuid.NewString(), connectionID: uuid.NewString(), name: name, project: in, owner: t.users[0]}
}

func (t *site) addProject(name, parent string) *project {
	made := &project{id: uuid.NewString(), name: name, parent: parent}
	t.projects = append(t.projects, made)
	return made
}

func (t *site) childNamed(parent, name string) *project {
	for _, p := range t.projects {
		if p.parent == parent && strings.EqualFold(p.name, name) {
			return p
		}
	}
	return nil
}

func (t *site) projectWithID(id string) *project {
	for _, p := range t.projects {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (t *site) datasourceNamed(in *project, name string) *datasource {
	for _, d := range t.datasources {
		if d.project == in && d.name == name {
			return d
		}
	}
	return nil
}

func (t *site) datasourceWithID(id string) (*datasource, error) {
	for _, d := range t.datasources {
		if d.id == id {
			return d, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "404004", "there is no data source %s", id)
}

func (s *Server) listProjects(w http.ResponseWriter, r *http.Request, t *site) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	matches, err := readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	found := []projectElement{}
	for _, p := range t.projects {
		if !p.hidden && matches("name", p.name) && matches("parentProjectId", p.parent) {
			found = append(found, p.element())
		}
	}
	page, pagination, err := pageOf(found, r.URL.Query())
	if err != nil {
		return err
	}
	writeReply(w, http.StatusOK, reply{Pagination: pagination, Projects: &page})
	return nil
}

func (s *Server) createProject(w http.ResponseWriter, r *http.Request, t *site) error {
	content, err := readAsk(r.Body)
	if err != nil {
		return err
	}
	wanted := content.Project
	if wanted == nil || wanted.Name == "" {
		return refuse(http.StatusBadRequest, "400000", "the project has no name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if wanted.ParentID != "" && t.projectWithID(wanted.ParentID) == nil {
		return refuse(http.StatusNotFound, "404005", "there is no project %s", wanted.ParentID)
	}
	if t.childNamed(wanted.ParentID, wanted.Name) != nil {
		return refuse(http.StatusConflict, "409006", "there is a project %q already", wanted.Name)
	}
	made := t.addProject(wanted.Name, wanted.ParentID)
	made.description = wanted.Description
	element := made.element()
	writeReply(w, http.StatusCreated, reply{Project: &element})
	return nil
}

func (s *Server) listDatasources(w http.ResponseWriter, r *http.Request, t *site) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	matches, err := readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	found := []datasourceElement{}
	for _, d := range t.datasources {
		if matches("name", d.name) && matches("projectName", d.project.name) && matches("projectId", d.project.id) {
			found = append(found, d.element())
		}
	}
	page, pagination, err := pageOf(found, r.URL.Query())
	if err != nil {
		return err
	}
	writeReply(w, http.StatusOK, reply{Pagination: pagination, Datasources: &page})
	return nil
}

func (s *Server) getDatasource(w http.ResponseWriter, r *http.Request, t *site) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := t.datasourceWithID(r.PathValue("id"))
	if err != nil {
		return err
	}
	element := found.element()
	writeReply(w, http.StatusOK, reply{Datasource: &element})
	return nil
}

func (s *Server) listConnections(w http.ResponseWriter, r *http.Request, t *site) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := t.datasourceWithID(r.PathValue("id"))
	if err != nil {
		return err
	}
	writeReply(w, http.StatusOK, reply{Connections: []connectionElement{{ID: found.connectionID, Type: "hyper"}}})
	return nil
}

// readFilter reads a filter such as name:eq:Line items,projectName:eq:Sales. As on the
// real server, nothing escapes its separators.
func readFilter(query url.Values) (matches func(field, value string) bool, err error) {
	wanted := map[string]string{}
	if text := query.Get("filter"); text != "" {
		for clause := range strings.SplitSeq(text, ",") {
			parts := strings.SplitN(clause, ":", 3)
			if len(parts) != 3 || parts[1] != "eq" {
				return nil, refuse(http.StatusBadRequest, "400065", "the filter cannot be read")
			}
			wanted[parts[0]] = parts[2]
		}
	}
	return func(field, value string) bool {
		want, ok := wanted[field]
		return !ok || want == value
	}, nil
}

// pageOf cuts the asked-for page out of all items.
func pageOf[T any](all []T, query url.Values) ([]T, *paginationElement, error) {
	number, size := 1, 100
	for key, into := range map[string]*int{"pageNumber": &number, "pageSize": &size} {
		if text := query.Get(key); text != "" {
			value, err := strconv.Atoi(text)
			if err != nil || value < 1 {
				return nil, nil, refuse(http.StatusBadRequest, "400007", "%s is not a positive number", key)
			}
			*into = value
		}
	}
	if size > 1000 {
		return nil, nil, refuse(http.StatusForbidden, "403014", "pages hold at most 1000 items")
	}
	start := (number - 1) * size
	if start > 0 && start >= len(all) {
		return nil, nil, refuse(http.StatusBadRequest, "400006", "there is no page %d", number)
	}
	page := all[start:min(start+size, len(all))]
	return page, &paginationElement{Page: number, Size: size, Total: len(all)}, nil
}
