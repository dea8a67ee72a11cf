package tableau

import (
	"errors"
	"fmt"
	"strings"
)

// shownProjects is how many projects a hint names at most.
const shownProjects = 10

// projectHint says what to do about the part of a path, names[missing], that is not below
// parent.
func projectHint(all []Project, parent Project, names []string, missing int) string {
	var beside []string
	for _, p := range all {
		if !p.isBelow(parent) {
			continue
		}
		if strings.EqualFold(strings.TrimSpace(p.Name), strings.TrimSpace(names[missing])) {
			return fmt.Sprintf("there is %q: upper and lower case matter, and blanks", p.Name)
		}
		if len(beside) < shownProjects {
			beside = append(beside, fmt.Sprintf("%q", p.Name))
		}
	}
	if ids := belowHidden(all, names); len(ids) > 0 {
		return fmt.Sprintf("%q is below a project that the user cannot see; if it is the one, "+
			"name it by its id, as project_id: %s, instead of project", strings.TrimSpace(names[len(names)-1]), strings.Join(ids, " or "))
	}
	hint := "have it made with create_project: true, or check that the user may see it; " +
		"a project below one that the user cannot see is named by project_id"
	if len(beside) > 0 {
		hint += "; there are " + strings.Join(beside, ", ")
	}
	return hint
}

// belowHidden are the ids of the projects that may be the one of a path, whose beginning the
// user cannot see, or has left out for that.
func belowHidden(all []Project, names []string) []string {
	byID := map[string]Project{}
	for _, p := range all {
		byID[p.ID] = p
	}
	var ids []string
	for _, p := range all {
		visible, hidden := visiblePath(byID, p)
		if hidden && len(visible) <= len(names) && endsWith(names, visible) && len(ids) < shownProjects {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// visiblePath are the names from the topmost project that the user can see down to p, and
// whether there is one above that the user cannot see.
func visiblePath(byID map[string]Project, p Project) (names []string, hidden bool) {
	for range byID { // no path is longer
		names = append([]string{p.Name}, names...)
		if p.ParentID == "" {
			return names, !p.isBelow(Project{})
		}
		parent, seen := byID[p.ParentID]
		if !seen {
			return names, true
		}
		p = parent
	}
	return names, false
}

func endsWith(names, end []string) bool {
	for i, name := range names[len(names)-len(end):] {
		if strings.TrimSpace(name) != strings.TrimSpace(end[i]) {
			return false
		}
	}
	return true
}

// unseen explains that a project exists, which the listing does not have.
func unseen(refused error) error {
	var e *Error
	if !errors.As(refused, &e) {
		return refused
	}
	told := *e
	told.Hint = "there is such a project, which the user cannot see: have its owner permit that, " +
		"or name the project to publish to by project_id"
	return &told
}
