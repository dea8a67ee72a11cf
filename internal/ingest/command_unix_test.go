//go:build unix

package ingest_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
)

func shell(script string, options ingest.CommandOptions) ingest.Source {
	options.Run, options.Log = []string{"/bin/sh", "-c", script}, slog.New(slog.DiscardHandler)
	return ingest.NewCommand(options)
}

func TestCommands(t *testing.T) {
	t.Parallel()
	schema, got := read(t, shell(`echo '{"a": 1, "b": {"c": 2}}'; echo '{"a": 2}'; echo no`, ingest.CommandOptions{Format: ingest.FormatJSONL, Nested: "flatten"}))
	assert.Equal(t, map[string]string{"a": "int64", "b.c": "int64"}, types(schema))
	assert.Equal(t, [][]string{{"1", "2"}, {"2", null}}, got.rows)
	require.Len(t, got.rejects, 1)
	assert.EqualValues(t, 3, got.rejects[0].Line)

	schema, got = read(t, shell(`printf 'a,b\n1,"x\ny"\n2,\n'`, ingest.CommandOptions{Format: ingest.FormatCSV}))
	assert.Equal(t, map[string]string{"a": "int64", "b": "utf8"}, types(schema))
	assert.Equal(t, [][]string{{"1", "x\ny"}, {"2", null}}, got.rows)
}

// More than a sample is read from the beginning, once.
func TestCommandsThatWriteMuch(t *testing.T) {
	t.Parallel()
	for _, format := range []string{ingest.FormatJSONL, ingest.FormatCSV} {
		script := `awk 'BEGIN { for (i = 0; i < 300000; i++) printf "{\"id\": %d, \"text\": \"%0100d\"}\n", i, i }'`
		if format == ingest.FormatCSV {
			script = `awk 'BEGIN { print "id,text"; for (i = 0; i < 300000; i++) printf "%d,x%0100d\n", i, i }'`
		}
		_, got := read(t, shell(script, ingest.CommandOptions{Format: format}))
		require.Len(t, got.rows, 300_000)
		for i, row := range got.rows {
			require.Equal(t, fmt.Sprint(i), row[0])
		}
	}
}

func TestCommandsOfArrow(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: arrow.PrimitiveTypes.Float64}}, nil)
	var out bytes.Buffer
	writer := ipc.NewWriter(&out, ipc.WithSchema(schema))
	for i := range int64(3) {
		builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		builder.Field(0).(*array.Int64Builder).Append(i)
		builder.Field(1).(*array.Float64Builder).Append(0.5)
		require.NoError(t, writer.Write(builder.NewRecord()))
	}
	require.NoError(t, writer.Close())
	path := filepath.Join(t.TempDir(), "stream")
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
	found, got := read(t, shell("cat "+path, ingest.CommandOptions{Format: ingest.FormatArrow}))
	assert.True(t, schema.Equal(found))
	assert.Equal(t, [][]string{{"0", "0.5"}, {"1", "0.5"}, {"2", "0.5"}}, got.rows)

	fewer := arrow.NewSchema(schema.Fields()[1:], nil)
	assert.Equal(t, [][]string{{"0.5"}, {"0.5"}, {"0.5"}}, readAs(t, shell("cat "+path, ingest.CommandOptions{Format: ingest.FormatArrow}), fewer).rows)
}

// Whatever a program has written, it fails as a whole when the program does.
func TestCommandsThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, want string }{
		"at its end":    {`echo '{"a": 1}'; exit 7`, "/bin/sh failed: exit status 7"},
		"without a row": {`exit 7`, "/bin/sh failed: exit status 7"},
		"within a line": {`printf '{"a": '; exit 7`, "/bin/sh failed: exit status 7"},
		"never":         {`echo '{"a": 1}'; exec sleep 600`, "it had not ended after 2s"},
	} {
		for _, format := range []string{ingest.FormatJSONL, ingest.FormatCSV, ingest.FormatArrow} {
			t.Run(name+" "+format, func(t *testing.T) {
				t.Parallel()
				options := ingest.CommandOptions{Format: format}
				if name == "never" {
					if format == ingest.FormatArrow {
						return // it is told by its first bytes
					}
					options.Timeout = 2 * time.Second
				}
				script := c.script
				if format == ingest.FormatCSV {
					script = strings.ReplaceAll(script, `{"a": 1}`, "a")
				}
				source := shell(script, options)
				schema, err := source.Columns(t.Context())
				if err == nil {
					_, err = source.Read(t.Context(), schema, &taken{})
				}
				require.NoError(t, source.Close())
				if format == ingest.FormatArrow && name != "without a row" {
					require.Error(t, err)
					return
				}
				require.ErrorContains(t, err, c.want)
				assert.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind)
			})
		}
	}
}

// A program that is not read to its end ends all the same.
func TestCommandsThatAreNotWanted(t *testing.T) {
	t.Parallel()
	source := shell(`while :; do echo '{"a": 1}'; done`, ingest.CommandOptions{Format: ingest.FormatJSONL})
	_, err := source.Columns(t.Context())
	require.NoError(t, err)
	require.NoError(t, source.Close())
}
