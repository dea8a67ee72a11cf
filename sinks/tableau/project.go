package tableau

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Project holds data sources and other projects.
type Project struct {
	ID       string `xml:"id,attr"`
	Name     string `xml:"name,attr"`
	ParentID string `xml:"parentProjectId,attr"` // empty at the top
	TopLevel string `xml:"topLevelProject,attr"` // true or false; empty if the server does not tell
}

// ParseProjectPath splits a path such as Sales/Nightly into names. A slash or a backslash
// inside of a name is written with a backslash before it. Blanks around names are dropped. A path with an empty
// name is an error, and so is the empty path.
func ParseProjectPath(path string) ([]string, error) {
	names, err := splitProjectPath(path)
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	return names, err
}

// splitProjectPath is ParseProjectPath, but leaves the blanks around names.
func splitProjectPath(path string) ([]string, error) {
	var names []string
	var name strings.Builder
	finish := func() error {
		text := name.String()
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("project path %q has an empty name", path)
		}
		names = append(names, text)
		name.Reset()
		return nil
	}
	escaped := false
	for _, r := range path {
		switch {
		case escaped:
			if r != '/' && r != '\\' {
				name.WriteRune('\\')
			}
			name.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '/':
			if err := finish(); err != nil {
				return nil, err
			}
		default:
			name.WriteRune(r)
		}
	}
	if escaped {
		name.WriteRune('\\')
	}
	if err := finish(); err != nil {
		return nil, err
	}
	return names, nil
}

// FormatProjectPath joins names to a path that [ParseProjectPath] splits again.
func FormatProjectPath(names ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `/`, `\/`)
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = escape.Replace(name)
	}
	return strings.Join(escaped, "/")
}

// Projects lists all projects of the site that the user can see. Failures are *[Error].
func (c *Client) Projects(ctx context.Context) ([]Project, error) {
	all, _, err := list(ctx, c, "list the projects", "/sites/{site}/projects", nil,
		func(r *response) []Project { return r.Projects }, func(p Project) string { return p.ID })
	return all, err
}

// FindProject finds a project by its path (see [ParseProjectPath]); the empty path is the
// site's default project. Names are compared exactly, at first with the blanks around them and then without. A missing
// project is an error that [IsNotFound] knows, whose hint names what is there instead.
func (c *Client) FindProject(ctx context.Context, path string) (Project, error) {
	return c.walk(ctx, path, nil)
}

// EnsureProject is FindProject, but makes the projects of the path that are missing. When
// another client makes one at the same time, that one is taken. The default project is not made: a missing one
// is an error that [IsNotFound] knows. Failures are *[Error].
func (c *Client) EnsureProject(ctx context.Context, path string) (Project, error) {
	return c.walk(ctx, path, c.createProject)
}

// ProjectWithID finds a project by its id, wherever it is: also below one that the user
// cannot see. A missing one is an error that [IsNotFound] knows.
func (c *Client) ProjectWithID(ctx context.Context, id string) (Project, error) {
	all, err := c.Projects(ctx)
	if err != nil {
		return Project{}, err
	}
	for _, p := range all {
		if strings.EqualFold(p.ID, id) {
			return p, nil
		}
	}
	return Project{}, &Error{
		Action: fmt.Sprintf("find the project with the id %q", id), err: fmt.Errorf("project %w", ErrNotFound),
		Hint: "check that the user may see the project, and its id, which the REST API tells: the number in the browser's address is another",
	}
}

// walk follows a path from the top and has missing projects made, if it may.
func (c *Client) walk(
	ctx context.Context, path string, create func(ctx context.Context, parent Project, name string) (Project, error),
) (Project, error) {
	action := fmt.Sprintf("find the project %q", path)
	all, err := c.Projects(ctx)
	if err != nil {
		return Project{}, err
	}
	if path == "" {
		return defaultProject(all)
	}
	names, err := splitProjectPath(path)
	if err != nil {
		return Project{}, &Error{Action: action, err: err, Hint: `write it like Sales/Nightly; a slash inside of a name is written \/`}
	}
	var at Project
	for i, name := range names {
		next, err := child(all, at, name)
		if errors.Is(err, ErrNotFound) && create != nil {
			next, err = create(ctx, at, strings.TrimSpace(name))
		}
		if err != nil {
			var e *Error
			if errors.As(err, &e) {
				return Project{}, err
			}
			hint := "name the one that is meant by its id, as project_id, instead of project"
			if errors.Is(err, ErrNotFound) {
				hint = projectHint(all, at, names, i)
			}
			return Project{}, &Error{Action: action, err: fmt.Errorf("%w %s", err, below(names[:i])), Hint: hint}
		}
		at = next
	}
	return at, nil
}

// child finds the project of that name below parent: of exactly that name, or else of that
// name without the blanks around it.
func child(all []Project, parent Project, name string) (Project, error) {
	for _, spelling := range []string{name, strings.TrimSpace(name)} {
		var found []Project
		var ids []string
		for _, p := range all {
			if p.isBelow(parent) && p.Name == spelling {
				found, ids = append(found, p), append(ids, p.ID)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return Project{}, fmt.Errorf("there are %d projects %q (%s)", len(found), spelling, strings.Join(ids, ", "))
		}
	}
	return Project{}, fmt.Errorf("project %q %w", strings.TrimSpace(name), ErrNotFound)
}

// isBelow says whether a project is directly below another one; the zero Project stands for the top.
func (p Project) isBelow(parent Project) bool {
	return p.ParentID == parent.ID && (parent.ID != "" || !strings.EqualFold(p.TopLevel, "false"))
}

// below says where a part of a path was looked for.
func below(names []string) string {
	if len(names) == 0 {
		return "at the top of the site"
	}
	return fmt.Sprintf("in project %q", FormatProjectPath(names...))
}

func defaultProject(all []Project) (Project, error) {
	for _, p := range all {
		if p.isBelow(Project{}) && strings.EqualFold(p.Name, "default") {
			return p, nil
		}
	}
	return Project{}, &Error{
		Action: "find the default project", err: ErrNotFound, Hint: "name a project in publish.project, or by its id in publish.project_id",
	}
}

// createProject makes a project. One that exists by then, be it because the reply of a
// first try was lost, is taken.
func (c *Client) createProject(ctx context.Context, parent Project, name string) (Project, error) {
	action := fmt.Sprintf("create the project %q", name)
	content, err := request{Project: &wireNewProject{Name: name, ParentID: parent.ID}}.encode()
	if err != nil {
		return Project{}, &Error{Action: action, err: err}
	}
	call := call{action: action, method: http.MethodPost, path: "/sites/{site}/projects", body: xmlBody(content), repeatable: true}
	reply, err := c.do(ctx, call)
	if IsConflict(err) || hasCode(err, codeNameTaken) {
		all, listErr := c.Projects(ctx)
		if listErr != nil {
			return Project{}, listErr
		}
		if existing, findErr := child(all, parent, name); findErr == nil {
			return existing, nil
		}
		return Project{}, unseen(err)
	}
	if err != nil {
		return Project{}, err
	}
	if reply.Project == nil || reply.Project.ID == "" {
		return Project{}, c.incomplete(call, reply, "the reply does not tell its id")
	}
	return *reply.Project, nil
}
