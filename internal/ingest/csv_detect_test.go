package ingest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
)

func TestDetectCSV(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		want    ingest.CSVOptions
	}{
		"commas":                              {"id,name\n1,a\n2,b\n", ingest.CSVOptions{Header: true, Delimiter: ","}},
		"semicolons, and decimal commas":      {"id;price\n1;2,5\n2;3,75\n", ingest.CSVOptions{Header: true, Delimiter: ";"}},
		"tabs, and commas in a text":          {"id\ttext\n1\ta, b, c\n2\td, e\n", ingest.CSVOptions{Header: true, Delimiter: "\t"}},
		"pipes":                               {"a|b|c\n1|2|3\n", ingest.CSVOptions{Header: true, Delimiter: "|"}},
		"a delimiter within quotes":           {"a;b\n\"x,y,z\";1\n\"p;q\";2\n", ingest.CSVOptions{Header: true, Delimiter: ";"}},
		"rows that have too few":              {"a,b;c\nx,1\ny,2\nz\n", ingest.CSVOptions{Header: true, Delimiter: ","}},
		"one column":                          {"id\n1\n2\n", ingest.CSVOptions{Header: true, Delimiter: ","}},
		"only a header":                       {"id,name\n", ingest.CSVOptions{Header: true, Delimiter: ","}},
		"texts alone":                         {"name,town\nAda,London\n", ingest.CSVOptions{Header: true, Delimiter: ","}},
		"no header":                           {"1,a\n2,b\n", ingest.CSVOptions{Delimiter: ",", Names: []string{"column_1", "column_2"}}},
		"no header, one row":                  {"1,a\n", ingest.CSVOptions{Delimiter: ",", Names: []string{"column_1", "column_2"}}},
		"a value twice is no header":          {"a,a\nb,c\n", ingest.CSVOptions{Delimiter: ",", Names: []string{"column_1", "column_2"}}},
		"bytes that are not UTF-8":            {"name,n\nJos\xe9,1\n", ingest.CSVOptions{Header: true, Delimiter: ",", Encoding: "windows-1252"}},
		"a byte order mark of UTF-16":         {"\xff\xfea\x00;\x00b\x00\n\x001\x00;\x002\x00\n\x00", ingest.CSVOptions{Header: true, Delimiter: ";"}},
		"empty lines before the header":       {"\n\na,b\n1,2\n", ingest.CSVOptions{Header: true, Delimiter: ","}},
		"a quoted value longer than the look": {"id,text\n1,a\n2,\"" + strings.Repeat("é\n", 1<<20) + "\"\n", ingest.CSVOptions{Header: true, Delimiter: ","}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "file.csv")
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			found, err := ingest.DetectCSV(t.Context(), path)
			require.NoError(t, err)
			c.want.URI = []string{path}
			assert.Equal(t, c.want, found)
			_, err = ingest.NewCSV(found).Columns(t.Context())
			require.NoError(t, err)
		})
	}
	for name, content := range map[string]string{"nothing": "", "empty lines": "\n\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "file.csv")
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			_, err := ingest.DetectCSV(t.Context(), path)
			require.ErrorContains(t, err, "has no rows that can be read")
			assert.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind)
		})
	}
}
