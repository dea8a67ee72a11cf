package hyper

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
)

// segment is a run of rows of one table as a file that holds an Arrow IPC stream, on its
// way into hyperd.
type segment struct {
	table   int
	origins []batch.Origin // of each record
	rows    int64
	bytes   int64
	largest int64 // bytes of a record

	path   string
	file   *os.File
	buffer *bufio.Writer
	writer *ipc.Writer
}

// createSegment starts a segment of a table in a folder. Its number is new in the folder.
func createSegment(folder string, number, table int, columns *arrow.Schema) (*segment, error) {
	s := &segment{table: table, path: filepath.Join(folder, fmt.Sprintf("segment-%d.arrows", number))}
	var err error
	if s.file, err = os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return nil, spoolFailure(err)
	}
	s.buffer = bufio.NewWriterSize(s.file, 64<<10)
	s.writer = ipc.NewWriter(counted{s}, ipc.WithSchema(columns))
	return s, nil
}

// counted counts the bytes of a segment.
type counted struct{ s *segment }

func (c counted) Write(p []byte) (int, error) {
	n, err := c.s.buffer.Write(p)
	c.s.bytes += int64(n)
	return n, err
}

// write adds the rows of a record.
func (s *segment) write(record arrow.Record, origin batch.Origin) error {
	before := s.bytes
	if err := s.writer.Write(record); err != nil {
		return spoolFailure(err)
	}
	s.largest = max(s.largest, s.bytes-before)
	s.rows += record.NumRows()
	s.origins = append(s.origins, origin)
	return nil
}

// isFull says whether another record like those before may exceed a bound.
func (s *segment) isFull(bound int64) bool { return s.bytes+s.largest > bound }

// close ends the file, so that hyperd can read it.
func (s *segment) close() error {
	err := s.writer.Close()
	if err == nil {
		err = s.buffer.Flush()
	}
	if err = errors.Join(err, s.file.Close()); err != nil {
		return spoolFailure(err)
	}
	return nil
}

// recordInMessage finds the record that hyperd could not read.
var recordInMessage = regexp.MustCompile(`record batch (\d+)`)

// blameSegment says where the rows of segments came from that hyperd would not load: of one record,
// where its message names that.
func blameSegment(segments []*segment, message string) string {
	for _, s := range segments {
		if !strings.Contains(message, s.path) {
			continue
		}
		segments = []*segment{s}
		if found := recordInMessage.FindStringSubmatch(message); found != nil {
			if i, err := strconv.Atoi(found[1]); err == nil && i < len(s.origins) {
				return s.origins[i].String()
			}
		}
	}
	last := segments[len(segments)-1].origins
	return fmt.Sprintf("%s to %s", segments[0].origins[0], last[len(last)-1])
}

// spoolFailure is the failure to write to the spool, of which another attempt has a new one.
func spoolFailure(err error) error {
	hint := "see that the folder can be written, or set spool.path to another"
	if failure.IsFull(err) {
		hint = storage.Hint(err) + "; or set spool.path to a folder with more room, or spool.max_bytes to less"
	}
	return failure.New(failure.Storage, "write to the spool: %w", err).Retryable().WithHint("%s", hint)
}

// externalSQL is the rows of a segment of the table, as hyperd takes them from a file.
func (t Table) externalSQL(path string) string {
	wires, values := make([]string, len(t.Columns)), make([]string, len(t.Columns))
	for i, column := range t.Columns {
		name := hyperd.QuoteName(column.Name)
		wires[i], values[i] = name+" "+column.SQLType, name
		if column.SQLType == geographyType { // which hyperd makes of text by a cast only
			wires[i], values[i] = name+" TEXT", fmt.Sprintf("CAST(%s AS %s)", name, geographyType)
		}
		if !column.Nullable {
			wires[i] += " NOT NULL"
		}
	}
	return fmt.Sprintf("SELECT %s FROM external(%s, format => 'arrowstream', columns => descriptor(%s))",
		strings.Join(values, ", "), hyperd.QuoteText(path), strings.Join(wires, ", "))
}

// insertSQL is the statement that loads segments of the table into it, in the database
// attached as alias. hyperd reads one file on about one core, but several at the same time.
func (t Table) insertSQL(alias string, segments []*segment) string {
	sources := make([]string, len(segments))
	for i, s := range segments {
		sources[i] = t.externalSQL(s.path)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) %s", t.in(alias), t.columnNames(), strings.Join(sources, " UNION ALL "))
}
