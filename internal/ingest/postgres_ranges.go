package ingest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"

	"hyperlake/internal/failure"
)

// rangesPerReader is into how many ranges the values of the column to split by are cut for each connection: many, which are
// read by turns, as values may crowd in some of them.
const rangesPerReader = 16

// postgresScale is a type whose values can be cut into ranges: they are integers on the wire.
type postgresScale struct {
	kind    string
	isTime  bool // it has infinities, which are not looked at for the bounds
	literal func(int64) string
}

// postgresScales are the types to split by.
var postgresScales = map[uint32]postgresScale{
	pgtype.Int2OID:        {kind: "int8", literal: formatInteger},
	pgtype.Int4OID:        {kind: "int8", literal: formatInteger},
	pgtype.Int8OID:        {kind: "int8", literal: formatInteger},
	pgtype.DateOID:        {kind: "date", isTime: true, literal: formatDate},
	pgtype.TimestampOID:   {kind: "timestamp", isTime: true, literal: formatTimestamp},
	pgtype.TimestamptzOID: {kind: "timestamptz", isTime: true, literal: formatInstant},
}

func formatInteger(n int64) string { return strconv.FormatInt(n, 10) }

// postgresExtent is what the column to split by holds in the snapshot.
type postgresExtent struct {
	low, high int64 // finite
	isEmpty   bool  // there is no finite value
	rows      int64 // of the query, those with NULL included
}

// extent asks for the bounds of a column, and for the number of rows, which those of all ranges must add up to.
func (s *postgresSession) extent(ctx context.Context, query string, column *postgresColumn) (postgresExtent, error) {
	name, finite := "q."+quoteIdentifier(column.name), ""
	if postgresScales[column.oid].isTime {
		finite = " FILTER (WHERE pg_catalog.isfinite(" + name + "))"
	}
	sql := fmt.Sprintf("SELECT pg_catalog.min(%[1]s)%[2]s, pg_catalog.max(%[1]s)%[2]s, pg_catalog.count(*)", name, finite) + fromQuery(query)
	result := s.conn.ExecParams(ctx, sql, nil, nil, nil, []int16{1}).Read()
	if result.Err != nil {
		return postgresExtent{}, s.failed(ctx, "look for the bounds of split_by", result.Err)
	}
	row := result.Rows[0]
	extent := postgresExtent{isEmpty: row[0] == nil, rows: bigEndian(row[2])}
	if !extent.isEmpty {
		extent.low, extent.high = bigEndian(row[0]), bigEndian(row[1])
	}
	return extent, nil
}

// bigEndian reads an integer of 2, 4 or 8 bytes.
func bigEndian(raw []byte) int64 {
	switch len(raw) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(raw)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(raw)))
	default:
		return int64(binary.BigEndian.Uint64(raw))
	}
}

// predicates are conditions of which every row meets exactly one: NULL, below the first bound, between two, from the last
// on. The outer ranges are open, so that infinities are in them.
func (e postgresExtent) predicates(column *postgresColumn, count int) []string {
	name, scale := "q."+quoteIdentifier(column.name), postgresScales[column.oid]
	bounds := []string{}
	if !e.isEmpty {
		for _, bound := range innerBounds(e.low, e.high, count) {
			bounds = append(bounds, quoteLiteral(scale.literal(bound))+"::pg_catalog."+scale.kind)
		}
	}
	predicates := []string{name + " IS NULL"}
	if len(bounds) == 0 {
		return append(predicates, name+" IS NOT NULL")
	}
	predicates = append(predicates, name+" < "+bounds[0])
	for i := 1; i < len(bounds); i++ {
		predicates = append(predicates, name+" >= "+bounds[i-1]+" AND "+name+" < "+bounds[i])
	}
	return append(predicates, name+" >= "+bounds[len(bounds)-1])
}

// innerBounds cuts from low to high into at most count ranges of about one width: the lowest values of all but the first.
func innerBounds(low, high int64, count int) []int64 {
	span := uint64(high) - uint64(low) // of integers with a sign, too
	if span < uint64(count) {
		count = int(span) + 1
	}
	bounds := make([]int64, 0, count)
	for i := 1; i < count; i++ {
		upper, lower := bits.Mul64(span, uint64(i))
		offset, _ := bits.Div64(upper, lower, uint64(count))
		bounds = append(bounds, int64(uint64(low)+offset+1))
	}
	return bounds
}

// cut says what is read by turns: everything at once where one connection reads. The second result is how many rows there
// must be; -1 where the command tag alone tells.
func (p *Postgres) cut(ctx context.Context, leader *postgresSession) ([]string, int64, error) {
	column, err := p.splitColumn(p.columns)
	if err != nil {
		return nil, 0, err
	}
	if column == nil || p.options.Parallel == 1 {
		return []string{"true"}, -1, nil
	}
	extent, err := leader.extent(ctx, p.options.Query, column)
	if err != nil {
		return nil, 0, err
	}
	return extent.predicates(column, p.options.Parallel*rangesPerReader), extent.rows, nil
}

// unstable is about a query that did not give the same rows to all that ran it.
func unstable(address string, ranges, whole int64) error {
	return failure.New(failure.Source, "the query gave %d rows by ranges of split_by, and %d as a whole in the same snapshot of %s",
		ranges, whole, address).WithHint("leave split_by out, or have the query give the same rows every time " +
		"(a complete ORDER BY where there is LIMIT, no random())")
}
