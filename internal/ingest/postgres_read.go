package ingest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/errgroup"
)

// sayTags is who counts the rows of a query.
const sayTags = "the command tags of PostgreSQL"

// Read gives all rows of the query as they were at one instant. A reject's key is the value of the column to split by, or
// else the number of the row, from 1. Columns of the schema that the query has no more are NULL, those that only the query
// has are left out.
func (p *Postgres) Read(ctx context.Context, schema *arrow.Schema, sink Sink) (Said, error) {
	sessions, err := p.sessions(ctx)
	if err != nil {
		return Said{}, err
	}
	ranges, whole, err := p.cut(ctx, sessions[0])
	if err != nil {
		return Said{}, err
	}
	var next, rows atomic.Int64
	group, groupCtx := errgroup.WithContext(ctx)
	for _, session := range sessions {
		group.Go(func() error {
			into, err := p.newRows(groupCtx, session.address, schema, sink)
			if err != nil {
				return err
			}
			for turn := next.Add(1); turn <= int64(len(ranges)); turn = next.Add(1) {
				count, err := p.copyRange(groupCtx, session, ranges[turn-1], into)
				if err != nil {
					return err
				}
				rows.Add(count)
			}
			return session.commit(groupCtx)
		})
	}
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Said{}, err
	}
	if whole >= 0 && whole != rows.Load() {
		return Said{}, unstable(sessions[0].address, rows.Load(), whole)
	}
	return Said{Rows: rows.Load(), By: sayTags}, nil
}

// copyRange reads the rows that meet a condition, and returns how many the server says there are.
func (p *Postgres) copyRange(ctx context.Context, s *postgresSession, predicate string, rows *postgresRows) (int64, error) {
	reader := &copyReader{columns: len(rows.selected), row: rows.add}
	tag, err := s.conn.CopyTo(ctx, reader, "COPY (SELECT "+strings.Join(rows.selected, ", ")+fromQuery(p.options.Query)+
		" WHERE "+predicate+") TO STDOUT (FORMAT binary)")
	if err == nil {
		err = reader.finish(tag.RowsAffected())
	}
	if rows.failed != nil {
		return 0, rows.failed
	}
	if err != nil {
		return 0, s.failed(ctx, fmt.Sprintf("read row %d of the query", reader.rows+1), err)
	}
	return tag.RowsAffected(), rows.flush()
}
