package ingest_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/ingest"
)

const null = "NULL"

// taken is a sink that keeps what it is given, as text.
type taken struct {
	mu      sync.Mutex
	rows    [][]string
	rejects []ingest.Reject
}

func (s *taken) Batch(_ context.Context, rows arrow.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for row := range int(rows.NumRows()) {
		values := make([]string, rows.NumCols())
		for i, column := range rows.Columns() {
			values[i] = null
			if column.IsValid(row) {
				values[i] = column.ValueStr(row)
			}
		}
		s.rows = append(s.rows, values)
	}
	return nil
}

func (s *taken) Reject(_ context.Context, r ingest.Reject) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejects = append(s.rejects, r)
	return nil
}

// write writes a file into a folder of the test, and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// read reads a source whole with its own columns. What it says of its rows must be what it gave.
func read(t *testing.T, source ingest.Source) (*arrow.Schema, *taken) {
	t.Helper()
	schema, err := source.Columns(t.Context())
	require.NoError(t, err)
	return schema, readAs(t, source, schema)
}

// readAs reads a source whole with a pinned schema.
func readAs(t *testing.T, source ingest.Source, schema *arrow.Schema) *taken {
	t.Helper()
	sink := &taken{}
	said, err := source.Read(t.Context(), schema, sink)
	require.NoError(t, err)
	require.NoError(t, source.Close())
	require.EqualValues(t, len(sink.rows)+len(sink.rejects), said.Rows, said.By)
	return sink
}

// types are the types of a schema by the names of columns.
func types(schema *arrow.Schema) map[string]string {
	types := map[string]string{}
	for _, field := range schema.Fields() {
		types[field.Name] = field.Type.String()
	}
	return types
}

// rejected is what is told of rejects, without their values.
func rejected(rejects []ingest.Reject) (told []rejectedRow) {
	for _, r := range rejects {
		told = append(told, rejectedRow{r.Line, r.Column, r.Rule})
	}
	return told
}

type rejectedRow struct {
	line         int64
	column, rule string
}

// columns is a schema of columns that may be NULL.
func columns(types ...any) *arrow.Schema {
	var fields []arrow.Field
	for i := 0; i < len(types); i += 2 {
		fields = append(fields, arrow.Field{Name: types[i].(string), Type: types[i+1].(arrow.DataType), Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}
