package tableau

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Datasource is a published data source.
type Datasource struct {
	ID         string
	Name       string
	ContentURL string
	ProjectID  string
	UpdatedAt  time.Time // to the second; zero if the server does not tell

	Description       string
	Tags              []string
	Certified         bool
	CertificationNote string
	OwnerID           string
}

// UnmarshalXML reads the element of the API.
func (d *Datasource) UnmarshalXML(decoder *xml.Decoder, start xml.StartElement) error {
	var wire struct {
		ID         string        `xml:"id,attr"`
		Name       string        `xml:"name,attr"`
		ContentURL string        `xml:"contentUrl,attr"`
		UpdatedAt  string        `xml:"updatedAt,attr"`
		Project    wireReference `xml:"project"`

		Description string        `xml:"description,attr"`
		Certified   string        `xml:"isCertified,attr"`
		Note        string        `xml:"certificationNote,attr"`
		Owner       wireReference `xml:"owner"`
		Tags        []wireTag     `xml:"tags>tag"`
	}
	if err := decoder.DecodeElement(&wire, &start); err != nil {
		return err
	}
	*d = Datasource{
		ID: wire.ID, Name: wire.Name, ContentURL: wire.ContentURL, ProjectID: wire.Project.ID, UpdatedAt: parseTime(wire.UpdatedAt),
		Description: wire.Description, Certified: strings.EqualFold(wire.Certified, "true"), CertificationNote: wire.Note, OwnerID: wire.Owner.ID,
	}
	for _, tag := range wire.Tags {
		d.Tags = append(d.Tags, tag.Label)
	}
	return nil
}

// parseTime reads a time of the API; what is missing or unreadable is the zero time.
func parseTime(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return parsed
}

// Connection is one of the connections of a data source.
type Connection struct {
	ID   string `xml:"id,attr"`
	Type string `xml:"type,attr"`
}

// datasourcePath is where a data source is.
func datasourcePath(id string) string { return "/sites/{site}/datasources/" + url.PathEscape(id) }

// Datasource asks for a data source by its id. One that does not exist is an error that [IsNotFound] knows.
func (c *Client) Datasource(ctx context.Context, id string) (Datasource, error) {
	call := call{action: "look at the data source " + id, method: http.MethodGet, path: datasourcePath(id), repeatable: true}
	reply, err := c.do(ctx, call)
	if err == nil && reply.Datasource == nil {
		err = c.incomplete(call, reply, "the reply does not describe the data source")
	}
	if err != nil {
		return Datasource{}, err
	}
	return *reply.Datasource, nil
}

// FindDatasource finds the data source of exactly that name in a project. A missing one
// is an error that [IsNotFound] knows.
func (c *Client) FindDatasource(ctx context.Context, projectID, name string) (Datasource, error) {
	found, exists, _, err := c.lookUp(ctx, projectID, name)
	if err == nil && !exists {
		err = &Error{
			Action: fmt.Sprintf("find the data source %q", name),
			err:    fmt.Errorf("data source %w in the project", ErrNotFound), Hint: hints["404004"],
		}
	}
	return found, err
}

// Look says how the data source of exactly that name in a project is now, or that there is
// none, and the server's time of that answer, which is zero if it does not tell. Failures are *[Error].
func (c *Client) Look(ctx context.Context, projectID, name string) (found Datasource, exists bool, now time.Time, err error) {
	return c.lookUp(ctx, projectID, name)
}

// lookUp finds a data source and tells the server's time of the answer. The server's
// filter narrows the list; which one it is, is decided here.
func (c *Client) lookUp(ctx context.Context, projectID, name string) (found Datasource, exists bool, now time.Time, err error) {
	action := fmt.Sprintf("look up the data source %q", name)
	all, last, err := list(ctx, c, action, "/sites/{site}/datasources", nameFilter(name),
		func(r *response) []Datasource { return r.Datasources }, func(d Datasource) string { return d.ID })
	if err != nil {
		return Datasource{}, false, time.Time{}, err
	}
	for _, d := range all {
		if d.Name != name || d.ProjectID != projectID {
			continue
		}
		if exists {
			return Datasource{}, false, time.Time{}, &Error{
				Action: action, err: errors.New("the project has several data sources of that name"),
				Hint: "rename or remove all but one of them",
			}
		}
		found, exists = d, true
	}
	return found, exists, last.date, nil
}

// nameFilter has the server list what has that name, where a filter can say so; else all of it.
func nameFilter(name string) url.Values {
	if !filterable(name) {
		return nil
	}
	return url.Values{"filter": {"name:eq:" + name}}
}

// filterable says whether a name can stand in a filter, whose grammar has no escapes.
func filterable(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' ' && r != '-' && r != '_' && r != '.'
	})
}
