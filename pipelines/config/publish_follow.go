package config

import (
	"fmt"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/sinks/tableau"
)

// BusyChoice says what becomes of a publication while somebody else is changing the data source.
type BusyChoice string

// What becomes of such a publication.
const (
	BusyWait BusyChoice = "wait" // it waits, up to half an hour
	BusySkip BusyChoice = "skip" // it is left out, and that is no failure
	BusyFail BusyChoice = "fail" // it fails
)

// UnmarshalText reads the word as a configuration gives it.
func (b *BusyChoice) UnmarshalText(text []byte) error {
	return words.OneOf(b, text, BusyWait, BusySkip, BusyFail)
}

// FollowConfig is what is refreshed after a publication: workbooks and flows by their names, or by the paths of their
// projects and their names, and tasks by their ids.
type FollowConfig struct {
	// Workbooks and Flows are named, or given by the path of their project and their name, as in Sales/Nightly/Orders, and
	// Tasks by their ids.
	Workbooks []string `yaml:"workbooks"`
	Flows     []string `yaml:"flows"`
	Tasks     []string `yaml:"tasks"`

	// Wait waits until all are refreshed, and fails if one is not.
	Wait bool `yaml:"wait"`
}

// checkPublishProperties checks what is to be said about the data source.
func (c *Config) checkPublishProperties() error {
	p := c.Publish
	var wrong []error
	for i, tag := range p.Tags {
		key := fmt.Sprintf("publish.tags[%d]", i)
		switch {
		case tag == "" || strings.TrimSpace(tag) != tag:
			wrong = append(wrong, c.Problem(key, "%s is empty, or has blanks around it; write the tag alone", key))
		case strings.Contains(tag, `"`):
			wrong = append(wrong, c.Problem(key, "%s has a quotation mark, which Tableau has no tag with; leave it out", key))
		case slices.ContainsFunc(p.Tags[:i], func(other string) bool { return strings.EqualFold(tag, other) }):
			wrong = append(wrong, c.Problem(key, "publish.tags names %s twice; remove one", words.Shorten(tag)))
		}
	}
	if p.CertificationNote != "" && (p.Certified == nil || !*p.Certified) && c.IsSound("publish.certified") {
		wrong = append(wrong, c.Problem("publish.certification_note",
			"publish.certification_note belongs to certified: true; add that, or remove it"))
	}
	return failure.Join(failure.Config, wrong...)
}

// checkPublishRefresh checks the names of what is refreshed.
func (c *Config) checkPublishRefresh() error {
	r := c.Publish.Refresh
	if c.Written("publish.refresh") && len(r.Workbooks)+len(r.Flows)+len(r.Tasks) == 0 {
		return c.Problem("publish.refresh", "publish.refresh names nothing; list workbooks, flows or tasks, or remove it")
	}
	var wrong []error
	for _, list := range []struct {
		key   string
		names []string
	}{{"workbooks", r.Workbooks}, {"flows", r.Flows}, {"tasks", r.Tasks}} {
		for i, name := range list.names {
			key := fmt.Sprintf("publish.refresh.%s[%d]", list.key, i)
			if slices.Contains(list.names[:i], name) {
				wrong = append(wrong, c.Problem(key, "publish.refresh.%s names %s twice; remove one", list.key, words.Shorten(name)))
			} else {
				wrong = append(wrong, c.checkFollowed(key, list.key, name))
			}
		}
	}
	return failure.Join(failure.Config, wrong...)
}

// checkFollowed checks the name of one of the workbooks, flows or tasks.
func (c *Config) checkFollowed(key, kind, name string) error {
	if kind == "tasks" {
		if name == "" || strings.ContainsAny(name, "/ ") {
			return c.Problem(key, "%s is no id of a task; it looks like 1f4b3a52-…", key)
		}
		return nil
	}
	if _, err := tableau.ParseProjectPath(name); err != nil {
		return c.Problem(key, `%s is no name; write one, or a path such as Sales/Nightly/Orders, and \/ for a slash inside of a name`, key)
	}
	return nil
}
