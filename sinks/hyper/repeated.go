package hyper

import (
	"context"
	"fmt"
	"strconv"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// CountRepeated is the number of rows of a table of a .hyper file whose values in the columns of
// key, none of them NULL, other rows have, too, beyond the first of each. Failures are of kind Hyperd.
func CountRepeated(ctx context.Context, lease *hyperd.Lease, path string, table Table, key []string) (int64, error) {
	sessions, err := openSessions(ctx, lease, 1)
	defer closeSessions(ctx, sessions)
	if err != nil {
		return 0, err
	}
	file, err := openInput(ctx, sessions[0], path, inputAlias)
	if err != nil {
		return 0, err
	}
	for _, found := range file.catalog.Tables {
		if found.Schema != table.Schema || found.Name != table.Name {
			continue
		}
		text, err := repeated(ctx, sessions[0], file.alias, found, key)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", path, err)
		}
		return strconv.ParseInt(text, 10, 64)
	}
	return 0, failure.New(failure.Hyperd, "%s has no table %s", path, table)
}
