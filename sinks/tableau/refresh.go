package tableau

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// RefreshKind says what is refreshed.
type RefreshKind string

// The kinds of refreshes.
const (
	RefreshWorkbook RefreshKind = "workbook" // its extracts
	RunFlow         RefreshKind = "flow"
	RunTask         RefreshKind = "task" // an extract refresh that somebody has scheduled
)

// codeRefreshQueued says that the same refresh waits for its turn already.
const codeRefreshQueued = "409093"

// refreshedHint says what those whose names are wanted may be.
const refreshedHint = "write its name, or its project's path and its name as in Sales/Nightly/Orders"

// Refresh has the server refresh now what depends on a data source: a workbook or a flow by its name, or by the path of
// its project and its name (see [ParseProjectPath]), or a task by its id. It returns the id of the job that
// does it, or nothing where the same is waiting for its turn already. Failures are *[Error]; the same may
// always be tried again.
func (c *Client) Refresh(ctx context.Context, kind RefreshKind, name string) (jobID string, err error) {
	path, err := c.refreshPath(ctx, kind, name)
	if err != nil {
		return "", err
	}
	body, err := request{}.encode()
	action := fmt.Sprintf("refresh the %s %q", kind, name)
	if err != nil {
		return "", &Error{Action: action, err: err}
	}
	call := call{action: action, method: http.MethodPost, path: path, body: xmlBody(body), repeatable: true}
	reply, err := c.do(ctx, call)
	switch {
	case hasCode(err, codeRefreshQueued):
		return "", nil
	case err != nil:
		return "", err
	case reply.Job == nil || reply.Job.ID == "":
		return "", c.incomplete(call, reply, "the reply names no job")
	}
	return reply.Job.ID, nil
}

func (c *Client) refreshPath(ctx context.Context, kind RefreshKind, name string) (string, error) {
	switch kind {
	case RefreshWorkbook:
		id, err := c.findNamed(ctx, kind, "/sites/{site}/workbooks", name, func(r *response) []wireNamed { return r.Workbooks })
		return "/sites/{site}/workbooks/" + url.PathEscape(id) + "/refresh", err
	case RunFlow:
		id, err := c.findNamed(ctx, kind, "/sites/{site}/flows", name, func(r *response) []wireNamed { return r.Flows })
		return "/sites/{site}/flows/" + url.PathEscape(id) + "/run", err
	case RunTask:
		return "/sites/{site}/tasks/extractRefreshes/" + url.PathEscape(name) + "/runNow", nil
	}
	return "", misuse("refresh", "kinds are workbook, flow and task", "unknown kind %q", kind)
}

// findNamed finds the one piece of content of that path or name.
func (c *Client) findNamed(
	ctx context.Context, kind RefreshKind, path, name string, items func(*response) []wireNamed,
) (id string, err error) {
	action := fmt.Sprintf("find the %s %q", kind, name)
	names, err := ParseProjectPath(name)
	if err != nil {
		return "", &Error{Action: action, err: err, Hint: refreshedHint}
	}
	last, project := names[len(names)-1], ""
	if len(names) > 1 {
		found, err := c.FindProject(ctx, FormatProjectPath(names[:len(names)-1]...))
		if err != nil {
			return "", err
		}
		project = found.ID
	}
	all, _, err := list(ctx, c, action, path, nameFilter(last), items, func(n wireNamed) string { return n.ID })
	if err != nil {
		return "", err
	}
	for _, each := range all {
		if each.Name != last || project != "" && each.Project.ID != project {
			continue
		}
		if id != "" {
			return "", &Error{Action: action, err: errors.New("several have that name"), Hint: "write the path of its project before its name"}
		}
		id = each.ID
	}
	if id == "" {
		return "", &Error{Action: action, err: fmt.Errorf("%s %w", kind, ErrNotFound), Hint: refreshedHint}
	}
	return id, nil
}
