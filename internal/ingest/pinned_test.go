package ingest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

func columnsOf(fields ...arrow.Field) *arrow.Schema { return arrow.NewSchema(fields, nil) }

func TestCompare(t *testing.T) {
	t.Parallel()
	id32, id64 := arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64}
	note := arrow.Field{Name: "note", Type: arrow.BinaryTypes.String}
	list := arrow.Field{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String)}
	bigID, text := Column{"id", "bigint"}, Column{"note", "text"}
	for name, c := range map[string]struct {
		entry  Entry
		pinned []Column
		now    *arrow.Schema
		want   []Column
		drift  []string
		err    string
		asked  string // types, where they are not those of want
	}{
		"first":      {now: columnsOf(id64, note), want: []Column{bigID, text}},
		"overridden": {entry: Entry{Columns: map[string]string{"id": "numeric(9,2)"}}, now: columnsOf(id64), want: []Column{{"id", "numeric(9,2)"}}, asked: "decimal(9, 2)"},
		"same order": {pinned: []Column{text, bigID}, now: columnsOf(id64, note), want: []Column{text, bigID}},
		"new":        {pinned: []Column{bigID}, now: columnsOf(id64, note), err: `column "note" is new (text)`},
		"gone":       {pinned: []Column{bigID, text}, now: columnsOf(id64), err: `column "note" is gone`},
		"retyped":    {pinned: []Column{bigID}, now: columnsOf(arrow.Field{Name: "id", Type: arrow.BinaryTypes.String}), err: `column "id" is text, which was bigint`},
		"all at once": {pinned: []Column{text, {"x", "date"}}, now: columnsOf(id64, arrow.Field{Name: "note", Type: arrow.PrimitiveTypes.Int64}),
			err: `column "note" is bigint, which was text; column "x" is gone; column "id" is new (bigint)`},
		"inferred anew": {entry: Entry{Infers: true}, pinned: []Column{{"id", "text"}}, now: columnsOf(id64), want: []Column{{"id", "text"}}, asked: "utf8"},
		"inferred, but asked for": {entry: Entry{Infers: true, Columns: map[string]string{"id": "date"}}, pinned: []Column{{"id", "text"}}, now: columnsOf(id64),
			err: `column "id" is date, which was text`},
		"not in the sample": {entry: Entry{Infers: true, Sparse: true}, pinned: []Column{text, bigID}, now: columnsOf(), want: []Column{text, bigID}, asked: "utf8"},
		"asked for, not in the sample": {entry: Entry{Infers: true, Sparse: true, Columns: map[string]string{"note": "date"}}, now: columnsOf(id64),
			want: []Column{bigID, {"note", "date"}}},
		"asked for later": {entry: Entry{Infers: true, Sparse: true, Union: true, Columns: map[string]string{"note": "date"}}, pinned: []Column{bigID},
			now: columnsOf(id64), want: []Column{bigID, {"note", "date"}}, drift: []string{`column "note" is new (date)`}},
		"union new and gone": {entry: Entry{Union: true}, pinned: []Column{text}, now: columnsOf(id64), want: []Column{text, bigID},
			drift: []string{`column "note" is gone`, `column "id" is new (bigint)`}},
		"union wider":    {entry: Entry{Union: true}, pinned: []Column{{"id", "integer"}}, now: columnsOf(id64), want: []Column{bigID}, drift: []string{`column "id" is bigint, which was integer`}},
		"narrower":       {pinned: []Column{bigID}, now: columnsOf(id32), want: []Column{bigID}, asked: "int32"},
		"union retyped":  {entry: Entry{Union: true}, pinned: []Column{bigID, text}, now: columnsOf(note, arrow.Field{Name: "id", Type: arrow.FixedWidthTypes.Date32}), err: `column "id" is date, which was bigint`},
		"no type":        {now: columnsOf(list), err: `column "tags": the lake has no type for list`},
		"twice":          {now: columnsOf(id64, id32), err: `the source has two columns "id"`},
		"none":           {now: columnsOf(), err: "the source has no columns"},
		"unknown column": {entry: Entry{Columns: map[string]string{"noet": "text"}}, now: columnsOf(id64, note), err: "columns.noet: the source has no such column"},
		"unknown type":   {entry: Entry{Columns: map[string]string{"id": "bigit"}}, now: columnsOf(id64), err: `hyperd has no type "bigit"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.entry.Name = "e"
			got, err := compare(c.entry, c.pinned, len(c.pinned) > 0, c.now)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				failed := failure.Of(err, failure.Engine)
				assert.True(t, failed.Early)
				assert.NotEqual(t, failure.Engine, failed.Kind)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got.Columns)
			assert.Equal(t, c.drift, got.Drift)
			if c.asked != "" {
				assert.Equal(t, c.asked, got.asked.Field(0).Type.String())
			}
			_, err = got.converter()
			require.NoError(t, err)
		})
	}
}

// A type is wider than another one only if every value of that has its equal there.
func TestWidens(t *testing.T) {
	t.Parallel()
	types := []string{
		"smallint", "integer", "bigint", "numeric(5,0)", "numeric(18,0)", "numeric(19,0)", "numeric(21,2)", "numeric(7,2)", "real", "double precision", "text", "date",
	}
	var got [][2]string
	for _, from := range types {
		for _, to := range types {
			if widens(from, to) {
				got = append(got, [2]string{from, to})
				assert.False(t, from != to && widens(to, from), "%s and %s", from, to)
			}
		}
	}
	for _, pair := range [][2]string{
		{"smallint", "integer"}, {"integer", "bigint"}, {"smallint", "numeric(5,0)"}, {"bigint", "numeric(19,0)"}, {"bigint", "numeric(21,2)"},
		{"numeric(5,0)", "numeric(7,2)"}, {"real", "double precision"}, {"integer", "double precision"},
	} {
		assert.Contains(t, got, pair)
	}
	for _, pair := range [][2]string{
		{"bigint", "numeric(18,0)"}, {"bigint", "double precision"}, {"numeric(7,2)", "numeric(18,0)"}, {"date", "text"}, {"integer", "real"}, {"bigint", "numeric(5,0)"},
	} {
		assert.NotContains(t, got, pair)
	}
}

// What stands in the file of pinned types is read as people write it, or refused with its place.
func TestReadPinned(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"version":1,"columns":[{"name":"a","type":"bigint"}]}`: "",
		`{"version":1,"columns":[{"name":"a","type":"bigit"}]}`:  `column "a"`,
		`{"version":2,"columns":[{"name":"a","type":"bigint"}]}`: "version 2",
		`{"version":1}`: "0 columns",
		`{`:             SchemaFile,
	} {
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(folder, SchemaFile), []byte(text), 0o600))
		columns, info, err := readPinned(t.Context(), folder)
		if want == "" {
			require.NoError(t, err)
			assert.NotNil(t, info)
			assert.Equal(t, []Column{{"a", "bigint"}}, columns)
			continue
		}
		require.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, folder)
	}
}
