package hyper

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/hyperd"
)

// LoadSegment loads records, which Convert made, into a table that is there, by way of a
// file in a folder.
func LoadSegment(ctx context.Context, conn *hyperd.Conn, alias string, table Table, folder string, records []arrow.Record) error {
	s, err := createSegment(folder, 1, 0, ArrowSchema(table.Columns))
	if err != nil {
		return err
	}
	for i, record := range records {
		if err := s.write(record, batch.Origin{RowGroup: i}); err != nil {
			return err
		}
	}
	if err := s.close(); err != nil {
		return err
	}
	rows, err := conn.Exec(ctx, table.insertSQL(alias, []*segment{s}))
	if err == nil && rows != s.rows {
		err = fmt.Errorf("%d rows of %d were loaded", rows, s.rows)
	}
	return err
}
