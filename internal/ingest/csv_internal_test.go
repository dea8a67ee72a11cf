package ingest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
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
				row.values = append(row.values, s.text(field))
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

// scanBlocks reads the rows of a text by blocks, as several goroutines would.
func scanBlocks(s *csvScanner) (rows []scanned, err error) {
	for {
		b, found, err := s.block()
		if err != nil || !found {
			return rows, err
		}
		if b.flaw != nil {
			rows = append(rows, scanned{line: b.line, flaw: b.flaw})
			continue
		}
		more, err := scanAll(s.over(b))
		rows = append(rows, more...)
		if err != nil {
			return rows, err
		}
	}
}

// FuzzCSVBlocks holds the rows of blocks of any size against those that one scanner reads, and what is told of whole rows against where it
// found their ends.
func FuzzCSVBlocks(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "\"a\"\"b\",\"\n\"\n", "a\"b\n1\n\"\n\"", "x\r,\"\n\"\n", "\"a\"\r\"b\n\"c\n", "\"a\"\r\n\"b\"", "\"\"\"\n\"\n\n\"", ",\"\n\",\"\n\"x\n\"\n",
		"\"a\" \"\n\",\n\"", strings.Repeat("\"\n\",", 30) + "\n", strings.Repeat("a,b\n", 30) + "\"" + strings.Repeat("\n", 40) + "\"",
	} {
		f.Add([]byte(seed), 3, true)
	}
	f.Fuzz(checkBlocks)
}

// Texts of nothing but what rows are cut by are read alike, too.
func TestCSVBlocksOfRandomText(t *testing.T) {
	draw := rand.New(rand.NewPCG(20, 3))
	for range 5000 {
		text := make([]byte, draw.IntN(40))
		for i := range text {
			text[i] = "\"\"\"\n\n,,\ra"[draw.IntN(9)]
		}
		checkBlocks(t, text, draw.IntN(12), draw.IntN(4) > 0)
	}
}

func checkBlocks(t *testing.T, text []byte, size int, quotes bool) {
	t.Helper()
	dialect := standard
	dialect.quotes = quotes
	one := newCSVScanner(bytes.NewReader(text), "f", dialect)
	one.buffer = make([]byte, 64)
	rows, failed := scanAll(one)

	blocks := newCSVScanner(iotest.HalfReader(bytes.NewReader(text)), "f", dialect)
	blocks.buffer, blocks.blockBytes = make([]byte, 2), 1+max(0, size%64)
	again, failedAgain := scanBlocks(blocks)
	require.Equal(t, rows, again)
	require.Equal(t, failed == nil, failedAgain == nil)
	require.Equal(t, endOfWhole(text, dialect), one.wholeRows(text))

	short := newCSVScanner(iotest.OneByteReader(bytes.NewReader(text)), "f", dialect)
	short.buffer, short.blockBytes, short.limit = make([]byte, 2), 4, 8
	fewer, failedAgain := scanBlocks(short)
	require.Equal(t, failed == nil, failedAgain == nil)
	require.Len(t, fewer, len(rows))
	for i, row := range fewer {
		require.Equal(t, rows[i].line, row.line)
		require.True(t, row.flaw != nil || reflect.DeepEqual(rows[i], row))
	}
}

// endOfWhole is where the last row that ends with a line feed does.
func endOfWhole(text []byte, dialect csvDialect) (end int) {
	s := newCSVScanner(nil, "f", dialect)
	s.buffer, s.end, s.eof = text, len(text), true
	for {
		found, err := s.scan()
		if err != nil || !found {
			return end
		}
		if at := s.start; at > 0 && s.buffer[at-1] == '\n' {
			end = at
		}
	}
}
