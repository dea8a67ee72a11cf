package ingest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

var standard = CSVOptions{Header: true}.dialect()

// scanned is a row as a scanner told it, values as texts.
type scanned struct {
	values []string
	line   int64
	flaw   *csvFlaw
}

func scanAll(s *csvScanner) (rows []scanned, err error) {
	for {
		found, err := s.scan()
		if err != nil || !found {
			return rows, err
		}
		row := scanned{line: s.row.line, flaw: s.row.flaw}
		for _, field := range s.row.fields {
			if s.row.flaw == nil {
				row.values = append(row.values, string(s.value(nil, field)))
			}
		}
		rows = append(rows, row)
	}
}

// FuzzCSV holds the scanner against the reader of the standard library as far as that goes, which ends at the first flaw, and knows no
// carriage returns; and against itself, when it gets its bytes one at a time, and when rows are too long to be kept.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "\"a\"\"b\",\"\n\"\n", "a\"b\n1\n", "\"a\"b\n1\n", "\"a\r\n\",\r\n", "a\rb\nc", "\"a\"\r\"b\n\"c", "\n\n,\n", "\"", "\"\"", "x\r",
		"\"a\"\r,\"b\n\"", "\r\r\n", "\"\xff\x00\"\n", strings.Repeat("\"\",", 20) + "\n" + strings.Repeat("x", 40) + "\nz",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole := newCSVScanner(bytes.NewReader(text), "f", standard)
		rows, failed := scanAll(whole)
		require.EqualValues(t, len(rows), whole.rows)
		if failed == nil {
			compareWithStandard(t, text, rows)
		}

		slow := newCSVScanner(iotest.OneByteReader(bytes.NewReader(text)), "f", standard)
		slow.buffer = make([]byte, 1)
		again, failedAgain := scanAll(slow)
		require.Equal(t, rows, again)
		require.Equal(t, failed == nil, failedAgain == nil)

		short := newCSVScanner(iotest.HalfReader(bytes.NewReader(text)), "f", standard)
		short.buffer, short.limit = make([]byte, 2), 8
		fewer, failedAgain := scanAll(short)
		require.Equal(t, failed == nil, failedAgain == nil)
		require.Len(t, fewer, len(rows))
		for i, row := range fewer {
			require.Equal(t, rows[i].line, row.line)
			if row.flaw == nil {
				require.Equal(t, rows[i], row)
			}
		}
	})
}

// compareWithStandard compares with encoding/csv, which leaves out empty lines.
func compareWithStandard(t *testing.T, text []byte, rows []scanned) {
	t.Helper()
	if bytes.ContainsRune(text, '\r') {
		return
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	for _, row := range rows {
		if row.flaw == nil && len(row.values) == 1 && row.values[0] == "" && isEmptyLine(text, row.line) {
			continue
		}
		want, err := r.Read()
		if row.flaw != nil {
			require.True(t, errors.Is(err, csv.ErrQuote) || errors.Is(err, csv.ErrBareQuote), "%v", err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, row.values)
	}
	_, err := r.Read()
	require.ErrorIs(t, err, io.EOF)
}

func isEmptyLine(text []byte, line int64) bool {
	return len(bytes.Split(text, []byte{'\n'})[line-1]) == 0
}

// Bytes that are in no buffer yet do not change what a row is.
func TestCSVAtEdgesOfBuffers(t *testing.T) {
	const rows = "\"a\"\"b\",\"c\r\nd\"\r\n\"\",\"\"\"\"\r\n,x\ry\r\n"
	for size := range 64 {
		text := "\"" + strings.Repeat("-", size) + "\"\n" + rows
		s := newCSVScanner(strings.NewReader(text), "f", standard)
		s.buffer = make([]byte, 16)
		found, err := scanAll(s)
		require.NoError(t, err)
		require.Len(t, found, 4)
		require.Equal(t, []string{`a"b`, "c\r\nd"}, found[1].values)
		require.Equal(t, []string{"", `"`}, found[2].values)
		require.Equal(t, flawReturn, found[3].flaw)
		require.EqualValues(t, []int64{2, 4, 5}, []int64{found[1].line, found[2].line, found[3].line})
	}
}

// A read that fails is told, and what was read before it is not lost.
func TestCSVOfAReaderThatFails(t *testing.T) {
	s := newCSVScanner(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(errors.New("the line is dead"))), "lake/f.csv", standard)
	rows, err := scanAll(s)
	require.Len(t, rows, 1)
	require.ErrorContains(t, err, "read lake/f.csv: the line is dead")
}
