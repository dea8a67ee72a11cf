package tableau

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// SetLargeFrom replaces the size from which files are sent in chunks.
func (c *Client) SetLargeFrom(bytes int64) { c.largeFrom = bytes }

// Connections lists the connections of a data source.
func (c *Client) Connections(ctx context.Context, datasourceID string) ([]Connection, error) {
	reply, err := c.do(ctx, call{
		action: "list the connections of the data source", method: http.MethodGet,
		path: "/sites/{site}/datasources/" + url.PathEscape(datasourceID) + "/connections", repeatable: true,
	})
	if err != nil {
		return nil, err
	}
	return reply.Connections, nil
}

// IsForbidden says that the user lacks the permission, or that the site is out of room.
func IsForbidden(err error) bool { return hasStatus(err, http.StatusForbidden) && !IsConflict(err) }

// IsPayloadTooLarge says that a data update must be split.
func IsPayloadTooLarge(err error) bool {
	var e *PayloadTooLargeError
	return errors.As(err, &e)
}

// Code returns Tableau's code of the error, or the empty text.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
