package tableau

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Revision is a content that a data source has or had.
type Revision struct {
	Number      int       `json:"number"`
	PublishedAt time.Time `json:"published_at,omitzero"` // zero if the server does not tell
	Publisher   string    `json:"publisher"`             // name of the user, or the id; empty if the server does not tell
	Bytes       int64     `json:"bytes"`                 // 0 if the server does not tell
	Current     bool      `json:"current"`
}

// Revisions lists the revisions of a data source that the server has kept, latest first. Failures are *[Error].
func (c *Client) Revisions(ctx context.Context, datasourceID string) ([]Revision, error) {
	all, _, err := list(ctx, c, "list the revisions of the data source", datasourcePath(datasourceID)+"/revisions", nil,
		func(r *response) []wireRevision { return r.Revisions }, func(r wireRevision) int { return r.Number })
	var kept []Revision
	for _, each := range all {
		if strings.EqualFold(each.Deleted, "true") {
			continue
		}
		kept = append(kept, Revision{
			Number: each.Number, PublishedAt: parseTime(each.PublishedAt), Bytes: each.Size,
			Publisher: cmp.Or(each.Publisher.Name, each.Publisher.ID), Current: strings.EqualFold(each.Current, "true"),
		})
	}
	slices.SortFunc(kept, func(a, b Revision) int { return cmp.Compare(b.Number, a.Number) })
	return kept, err
}
