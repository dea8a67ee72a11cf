package tableautest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

func (s *Server) listUsers(w http.ResponseWriter, r *http.Request, t *site) error {
	matches, err := readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	found := []userElement{}
	for _, u := range t.users {
		if matches("name", u.name) {
			found = append(found, userElement{ID: u.id, Name: u.name, SiteRole: "Creator"})
		}
	}
	page, pagination, err := pageOf(found, r.URL.Query())
	if err != nil {
		return err
	}
	writeReply(w, http.StatusOK, reply{Pagination: pagination, Users: &page})
	return nil
}

// changeDatasource changes what is said about a data source; what is not given stays.
func (s *Server) changeDatasource(w http.ResponseWriter, r *http.Request, t *site) error {
	content, err := readAsk(r.Body)
	if err != nil {
		return err
	}
	if content.Datasource == nil {
		return refuse(http.StatusBadRequest, "400000", "the request has no data source")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := t.datasourceWithID(r.PathValue("id"))
	if err == nil {
		err = t.describe(found, content.Datasource)
	}
	if err != nil {
		return err
	}
	found.updated = s.now()
	element := found.element()
	writeReply(w, http.StatusOK, reply{Datasource: &element})
	return nil
}

// describe changes a data source as somebody asks, or not at all.
func (t *site) describe(d *datasource, wanted *datasourceAsk) error {
	changed := *d
	if wanted.Project.ID != "" {
		changed.project = t.projectWithID(wanted.Project.ID)
	}
	if wanted.Owner.ID != "" {
		changed.owner = t.userWithID(wanted.Owner.ID)
	}
	changed.name = given(wanted.Name, d.name)
	changed.description = given(wanted.Description, d.description)
	changed.note = given(wanted.Note, d.note)
	changed.certified = given(wanted.Certified, d.certified)
	switch {
	case changed.project == nil:
		return refuse(http.StatusNotFound, "404005", "there is no project %s", wanted.Project.ID)
	case changed.owner == nil:
		return refuse(http.StatusNotFound, "404002", "there is no user %s", wanted.Owner.ID)
	}
	if other := t.datasourceNamed(changed.project, changed.name); other != nil && other != d {
		return refuse(http.StatusConflict, "409004", "there is a data source %q already", changed.name)
	}
	*d = changed
	return nil
}

// given is a value, or what there was where it is not given.
func given[T any](value *T, before T) T {
	if value == nil {
		return before
	}
	return *value
}

func (t *site) userWithID(id string) *user {
	for _, u := range t.users {
		if u.id == id {
			return u
		}
	}
	return nil
}

func (s *Server) deleteDatasource(w http.ResponseWriter, r *http.Request, t *site) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := t.datasourceWithID(r.PathValue("id"))
	if err == nil {
		err = t.remove(found)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// remove deletes a data source with all its revisions. The caller holds the lock.
func (t *site) remove(d *datasource) error {
	if err := d.occupy(); err != nil {
		return err
	}
	t.datasources = slices.DeleteFunc(t.datasources, func(other *datasource) bool { return other == d })
	return errors.Join(d.prune(0), removeIfThere(d.path))
}

// addTags adds what a data source does not have yet. Labels end at blanks and commas, unless they are quoted.
func (s *Server) addTags(w http.ResponseWriter, r *http.Request, t *site) error {
	content, err := readAsk(r.Body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := t.datasourceWithID(r.PathValue("id"))
	if err != nil {
		return err
	}
	for _, tag := range content.Tags {
		for _, label := range splitLabel(tag.Label) {
			if !slices.Contains(found.tags, label) {
				found.tags = append(found.tags, label)
			}
		}
	}
	writeReply(w, http.StatusOK, reply{Tags: tagElements(found.tags)})
	return nil
}

func splitLabel(label string) []string {
	if inner, ok := strings.CutPrefix(label, `"`); ok && strings.HasSuffix(inner, `"`) {
		return []string{strings.TrimSuffix(inner, `"`)}
	}
	return strings.FieldsFunc(label, func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
}

func tagElements(tags []string) *[]tagElement {
	elements := make([]tagElement, len(tags))
	for i, tag := range tags {
		elements[i].Label = tag
	}
	return &elements
}

func (s *Server) deleteTag(w http.ResponseWriter, r *http.Request, t *site) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := t.datasourceWithID(r.PathValue("id"))
	if err != nil {
		return err
	}
	found.tags = slices.DeleteFunc(found.tags, func(tag string) bool { return tag == r.PathValue("tag") })
	w.WriteHeader(http.StatusNoContent)
	return nil
}
