package ingest

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"hyperlake/internal/failure"
)

// catalogClass is what a type is made of.
type catalogClass string

const (
	baseClass      catalogClass = "base"
	enumClass      catalogClass = "enum"
	rangeClass     catalogClass = "range" // also several ranges in one value
	arrayClass     catalogClass = "array"
	compositeClass catalogClass = "composite"
	domainClass    catalogClass = "domain"
)

// catalogType is a type as the catalog of a database describes it.
type catalogType struct {
	name  string
	class catalogClass
	parts []uint32 // types of elements or attributes; the type under a domain
}

// catalogQuery follows the types of columns down to those that have no parts.
const catalogQuery = `
WITH RECURSIVE type(oid) AS (
  SELECT pg_catalog.unnest($1::pg_catalog.oid[])
  UNION
  SELECT part.oid FROM type JOIN pg_catalog.pg_type t ON t.oid = type.oid CROSS JOIN LATERAL (
    SELECT t.typelem WHERE t.typcategory = 'A' AND t.typlen = -1
    UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
      WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
  ) AS part(oid)
)
SELECT t.oid, pg_catalog.format_type(t.oid, NULL),
  CASE WHEN t.typcategory = 'A' AND t.typlen = -1 THEN 'array'
    WHEN t.typtype = 'e' THEN 'enum' WHEN t.typtype IN ('r', 'm') THEN 'range' WHEN t.typtype = 'c' THEN 'composite'
    WHEN t.typtype = 'd' THEN 'domain' ELSE 'base' END,
  CASE WHEN t.typcategory = 'A' AND t.typlen = -1 THEN t.typelem::pg_catalog.text
    WHEN t.typtype = 'd' THEN t.typbasetype::pg_catalog.text
    WHEN t.typtype = 'c' THEN (SELECT pg_catalog.string_agg(a.atttypid::pg_catalog.text, ',') FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END
FROM type JOIN pg_catalog.pg_type t ON t.oid = type.oid`

// namesQuery writes types as PostgreSQL does.
const namesQuery = `SELECT pg_catalog.format_type(oid, modifier)
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.int4[]))
WITH ORDINALITY AS t(oid, modifier, place)
ORDER BY place`

// describe has the server parse the query, and not run it: alone, which it refuses unless that is one statement, and as a
// part of another, which it refuses unless that statement gives rows and does nothing else. From then on this transaction
// holds its tables and views against being altered.
func (s *postgresSession) describe(ctx context.Context, query string) ([]postgresColumn, error) {
	alone, err := s.conn.Prepare(ctx, "", query, nil)
	if err != nil {
		return nil, s.failed(ctx, "postgres.query is refused", err)
	}
	if len(alone.ParamOIDs) > 0 {
		return nil, failure.New(failure.Config, "postgres.query has parameters such as $1").
			WithHint("write values into it; ${NAME} is filled in by --var")
	}
	if len(alone.Fields) == 0 {
		return nil, failure.New(failure.Config, "postgres.query gives no columns").WithHint("write a SELECT")
	}
	if _, err := s.conn.Prepare(ctx, "", "SELECT *"+fromQuery(query), nil); err != nil {
		return nil, s.failed(ctx, "postgres.query cannot be read as a table", err)
	}
	return s.columns(ctx, alone.Fields)
}

// columns plans how columns are read.
func (s *postgresSession) columns(ctx context.Context, fields []pgconn.FieldDescription) ([]postgresColumn, error) {
	oids, modifiers := make([]string, len(fields)), make([]string, len(fields))
	for i, field := range fields {
		oids[i], modifiers[i] = strconv.FormatUint(uint64(field.DataTypeOID), 10), strconv.Itoa(int(field.TypeModifier))
	}
	list := "{" + strings.Join(oids, ",") + "}"
	kinds, err := s.rows(ctx, namesQuery, list, "{"+strings.Join(modifiers, ",")+"}")
	if err != nil {
		return nil, s.failed(ctx, "look up types", err)
	}
	known, err := s.types(ctx, list)
	if err != nil {
		return nil, err
	}
	columns := make([]postgresColumn, len(fields))
	seen := map[string]bool{}
	var refused []error
	for i, field := range fields {
		columns[i] = postgresColumn{name: field.Name, kind: kinds[i][0], oid: field.DataTypeOID}
		if seen[field.Name] {
			refused = append(refused, failure.New(failure.Config, "two columns of the query are named %q", field.Name).
				WithHint("give one another name by AS"))
		}
		seen[field.Name] = true
		if err := columns[i].plan(field.TypeModifier, known); err != nil {
			refused = append(refused, err)
		}
	}
	return columns, failure.Join(failure.Config, refused...)
}

// types are those of a list of OIDs, and their parts.
func (s *postgresSession) types(ctx context.Context, list string) (map[uint32]catalogType, error) {
	rows, err := s.rows(ctx, catalogQuery, list)
	if err != nil {
		return nil, s.failed(ctx, "look up types", err)
	}
	known := map[uint32]catalogType{}
	for _, row := range rows {
		parts := strings.FieldsFunc(row[3], func(r rune) bool { return r == ',' })
		oids := make([]uint32, 0, len(parts)+1)
		for _, text := range append(parts, row[0]) {
			oid, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				return nil, failure.New(failure.Source, "look up types on %s: %w", s.address, err)
			}
			oids = append(oids, uint32(oid))
		}
		known[oids[len(parts)]] = catalogType{name: row[1], class: catalogClass(row[2]), parts: oids[:len(parts)]}
	}
	return known, nil
}
