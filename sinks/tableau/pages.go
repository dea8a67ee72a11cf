package tableau

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

const pageSize = 1000 // the most that the server returns at once

// list collects the items of all pages. Items that move between pages while they are
// read are taken once.
func list[T any, ID comparable](
	ctx context.Context, c *Client, action, path string, query url.Values, items func(*response) []T, id func(T) ID,
) ([]T, *response, error) {
	var all []T
	seen := map[ID]bool{}
	for page, received := 1, 0; ; page++ {
		paged := url.Values{"pageSize": {strconv.Itoa(pageSize)}, "pageNumber": {strconv.Itoa(page)}}
		maps.Copy(paged, query)
		reply, err := c.do(ctx, call{action: action, method: http.MethodGet, path: path, query: paged, repeatable: true})
		if err != nil {
			if page > 1 && hasCode(err, codePastTheEnd) { // items went away meanwhile
				return all, &response{}, nil
			}
			return nil, nil, err
		}
		found := items(reply)
		for _, item := range found {
			if !seen[id(item)] {
				seen[id(item)] = true
				all = append(all, item)
			}
		}
		received += len(found)
		if reply.Pagination == nil || len(found) == 0 || received >= reply.Pagination.Total {
			return all, reply, nil
		}
	}
}
