package tableau

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Properties are what is said about a data source besides its content. Nil is what stays as it is.
type Properties struct {
	Description       *string
	Certified         *bool
	CertificationNote *string
	OwnerID           *string
	Tags              []string // that it is to have, besides those that it has
}

// The names of properties.
const (
	propertyDescription = "description"
	propertyCertified   = "certified"
	propertyNote        = "certification_note"
	propertyOwner       = "owner"
	propertyTags        = "tags"
)

// SetProperties gives a data source the properties that it lacks, and returns which ones those were. It asks for
// what is there first, and sends nothing where nothing differs. Failures are or wrap *[Error]; the same
// may always be tried again.
func (c *Client) SetProperties(ctx context.Context, datasourceID string, wanted Properties) (changed []string, err error) {
	standing, err := c.Datasource(ctx, datasourceID)
	if err != nil {
		return nil, err
	}
	lacking, names := wanted.beyond(standing)
	var failed error
	if len(names) > 0 {
		if failed = c.change(ctx, standing, lacking); failed == nil {
			changed = names
		}
	}
	if len(lacking.Tags) > 0 {
		err = c.addTags(ctx, datasourceID, lacking.Tags)
		if err == nil {
			changed = append(changed, propertyTags)
		}
	}
	return changed, errors.Join(failed, err)
}

// beyond is what a data source lacks of the properties, and the names of that but for tags.
func (p Properties) beyond(standing Datasource) (lacking Properties, names []string) {
	note := func(name string) { names = append(names, name) }
	if p.Description != nil && *p.Description != standing.Description {
		lacking.Description = p.Description
		note(propertyDescription)
	}
	if p.Certified != nil && *p.Certified != standing.Certified {
		lacking.Certified = p.Certified
		note(propertyCertified)
	}
	if p.CertificationNote != nil && *p.CertificationNote != standing.CertificationNote {
		lacking.CertificationNote = p.CertificationNote
		note(propertyNote)
	}
	if p.OwnerID != nil && *p.OwnerID != standing.OwnerID {
		lacking.OwnerID = p.OwnerID
		note(propertyOwner)
	}
	for _, tag := range p.Tags {
		if !slices.ContainsFunc(standing.Tags, func(other string) bool { return strings.EqualFold(tag, other) }) {
			lacking.Tags = append(lacking.Tags, tag)
		}
	}
	return lacking, names
}

// change sends properties that differ. Older servers want to be told the project together with the owner.
func (c *Client) change(ctx context.Context, standing Datasource, lacking Properties) error {
	var content changeRequest
	content.Datasource.Description, content.Datasource.Certified = lacking.Description, lacking.Certified
	content.Datasource.Note = lacking.CertificationNote
	if lacking.OwnerID != nil {
		content.Datasource.Owner, content.Datasource.Project = &wireReference{ID: *lacking.OwnerID}, &wireReference{ID: standing.ProjectID}
	}
	body, err := xml.Marshal(content)
	action := fmt.Sprintf("change what is said about %q", standing.Name)
	if err != nil {
		return &Error{Action: action, err: err}
	}
	_, err = c.do(ctx, call{
		action: action, method: http.MethodPut, path: datasourcePath(standing.ID),
		body: xmlBody(body), repeatable: true,
	})
	return err
}

// addTags adds tags to a data source. The server would make several of one that has blanks or commas in it.
func (c *Client) addTags(ctx context.Context, datasourceID string, tags []string) error {
	wanted := &wireTags{}
	for _, tag := range tags {
		if strings.ContainsAny(tag, " ,\t\n") {
			tag = `"` + tag + `"`
		}
		wanted.Tags = append(wanted.Tags, wireTag{Label: tag})
	}
	const action = "add tags to the data source"
	body, err := request{Tags: wanted}.encode()
	if err != nil {
		return &Error{Action: action, err: err}
	}
	_, err = c.do(ctx, call{
		action: action, method: http.MethodPut, path: datasourcePath(datasourceID) + "/tags",
		body: xmlBody(body), repeatable: true,
	})
	return err
}

// User is somebody on the site.
type User struct {
	ID   string `xml:"id,attr"`
	Name string `xml:"name,attr"`
}

// FindUser finds the user of that name, in whatever case. A missing one is an error that [IsNotFound] knows.
func (c *Client) FindUser(ctx context.Context, name string) (User, error) {
	action := fmt.Sprintf("find the user %q", name)
	all, _, err := list(ctx, c, action, "/sites/{site}/users", nameFilter(name),
		func(r *response) []User { return r.Users }, func(u User) string { return u.ID })
	if err != nil {
		return User{}, err
	}
	if at := slices.IndexFunc(all, func(u User) bool { return strings.EqualFold(u.Name, name) }); at >= 0 {
		return all[at], nil
	}
	return User{}, &Error{
		Action: action, err: fmt.Errorf("user %w on the site", ErrNotFound),
		Hint: "name a user of the site as the list of users has it, on Tableau Cloud by the e-mail address",
	}
}
