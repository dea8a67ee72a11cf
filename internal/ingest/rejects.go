package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/failure"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
)

// maxRejectValue is how many bytes of a value are kept.
const maxRejectValue = 64 << 10

// rejectLimits are those of files of rejects, and of what waits to be written to them.
var rejectLimits = limits{groupRows: 128 << 10, groupBytes: 16 << 20, fileRows: 1 << 20, fileBytes: 64 << 20}

const (
	waitingRejects     = 8 << 10 // rows
	waitingRejectBytes = 4 << 20
)

// addedColumns are the columns of a file of rejects behind those of the source, which it has as text.
func addedColumns() []arrow.Field {
	texts := arrow.ListOfNonNullable(arrow.BinaryTypes.String)
	return []arrow.Field{
		{Name: "_file", Type: arrow.BinaryTypes.String},
		{Name: "_line", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, // one of three
		{Name: "_page", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "_key", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "_rules", Type: texts},
		{Name: "_reasons", Type: texts},
	}
}

// RejectColumns names the columns that files of rejects have behind those of the source: where the row is (file, line, page, key), the
// rules that it broke, and the reasons. There are none where a schema is not that of such a file.
func RejectColumns(schema *arrow.Schema) (names []string) {
	for _, added := range addedColumns() {
		found, ok := schema.FieldsByName(added.Name)
		if !ok || found[0].Type.ID() != added.Type.ID() {
			return nil
		}
		names = append(names, added.Name)
	}
	return names
}

// checkRejectNames refuses columns whose files of rejects would have two of one name.
func checkRejectNames(entry Entry, columns []Column) error {
	for _, added := range addedColumns() {
		if slices.ContainsFunc(columns, func(c Column) bool { return c.Name == added.Name }) {
			return refused(entry, "column %q: files of rejects have a column of this name already", added.Name).
				WithHint("have the source name it otherwise, or leave rejects.path out")
		}
	}
	return nil
}

// rejectWriter counts rejects, and writes them to files of its own if they are kept. It is safe for concurrent use.
type rejectWriter struct {
	isKept bool
	names  []string // of the columns
	schema *arrow.Schema

	mu      sync.Mutex
	rows    int64
	rules   map[RuleCount]int64 // by rule and column, without rows
	folder  *scratch.Folder     // nil until it is needed
	builder *array.RecordBuilder
	waiting int
	bytes   int
	file    *partFile
	files   []RejectFile
}

func newRejectWriter(columns []Column, isKept bool) *rejectWriter {
	w := &rejectWriter{isKept: isKept, rules: map[RuleCount]int64{}}
	var fields []arrow.Field
	for _, column := range columns {
		w.names = append(w.names, column.Name)
		fields = append(fields, arrow.Field{Name: column.Name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	w.schema = arrow.NewSchema(append(fields, addedColumns()...), nil)
	return w
}

var errPlace = errors.New("a reject has not one of a line, a page and a key")

// add takes a reject.
func (w *rejectWriter) add(ctx context.Context, r Reject) error {
	places := 0
	for _, is := range []bool{r.Line > 0, r.Page > 0, r.Key != ""} {
		if is {
			places++
		}
	}
	if places != 1 {
		return failure.New(failure.Engine, "%s: %w", r.File, errPlace)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rows++
	w.rules[RuleCount{Rule: r.Rule, Column: r.Column}]++
	if !w.isKept {
		return nil
	}
	w.append(r)
	if w.waiting >= waitingRejects || w.bytes >= waitingRejectBytes {
		return w.flush(ctx)
	}
	return nil
}

// append adds a reject to those that wait.
func (w *rejectWriter) append(r Reject) {
	if w.builder == nil {
		w.builder = array.NewRecordBuilder(memory.DefaultAllocator, w.schema)
	}
	for i, name := range w.names {
		column := w.builder.Field(i).(*array.StringBuilder)
		value, found := r.Values[name]
		if !found {
			column.AppendNull()
			continue
		}
		value = kept(value)
		w.bytes += len(value)
		column.Append(value)
	}
	text := func(i int) *array.StringBuilder { return w.builder.Field(len(w.names) + i).(*array.StringBuilder) }
	number := func(i int, value int64) {
		if column := w.builder.Field(len(w.names) + i).(*array.Int64Builder); value > 0 {
			column.Append(value)
		} else {
			column.AppendNull()
		}
	}
	text(0).Append(kept(r.File))
	number(1, r.Line)
	number(2, r.Page)
	if r.Key != "" {
		text(3).Append(kept(r.Key))
	} else {
		text(3).AppendNull()
	}
	for i, value := range []string{ruleText(r.Rule, r.Column), r.Reason} {
		list := w.builder.Field(len(w.names) + 4 + i).(*array.ListBuilder)
		list.Append(true)
		list.ValueBuilder().(*array.StringBuilder).Append(kept(value))
	}
	w.waiting++
}

// ruleText names a rule with its column, as reports do.
func ruleText(rule, column string) string {
	if column == "" {
		return rule
	}
	return column + ": " + rule
}

// kept is text that a file of rejects can hold.
func kept(value string) string {
	if len(value) > maxRejectValue {
		value = value[:maxRejectValue]
		for i := 0; i < utf8.UTFMax && len(value) > 0 && !utf8.ValidString(value[len(value)-min(len(value), utf8.UTFMax):]); i++ {
			value = value[:len(value)-1]
		}
	}
	return strings.ToValidUTF8(value, string(utf8.RuneError))
}

// flush writes what waits.
func (w *rejectWriter) flush(ctx context.Context) error {
	if w.waiting == 0 {
		return nil
	}
	rows := w.builder.NewRecord()
	defer rows.Release()
	if w.file == nil {
		if err := w.open(ctx, rows); err != nil {
			return err
		}
	}
	w.waiting, w.bytes = 0, 0
	if err := w.file.add(rows, rejectLimits); err != nil {
		return err
	}
	if w.file.rows >= rejectLimits.fileRows || w.file.bytes >= rejectLimits.fileBytes {
		return w.end(ctx)
	}
	return nil
}

func (w *rejectWriter) open(ctx context.Context, first arrow.Record) (err error) {
	if w.folder == nil {
		if w.folder, err = scratch.Make("", "ingest-"); err != nil {
			return failure.New(failure.Storage, "make a folder for rejects: %w", err).WithHint("%s", storage.Hint(err))
		}
	}
	name := fmt.Sprintf("rejects-%05d.parquet", len(w.files))
	w.file, err = newPartFile(ctx, storage.Join(w.folder.Path, name), first, true, rejectLimits)
	return err
}

func (w *rejectWriter) end(ctx context.Context) error {
	f := w.file
	w.file = nil
	if err := f.commit(ctx); err != nil {
		return err
	}
	w.files = append(w.files, RejectFile{URI: f.uri, Rows: f.rows, Bytes: f.bytes, SHA256: f.sha256()})
	return nil
}

// finish ends the last file, and returns all.
func (w *rejectWriter) finish(ctx context.Context) ([]RejectFile, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.flush(ctx); err != nil {
		return nil, err
	}
	if w.file != nil {
		if err := w.end(ctx); err != nil {
			return nil, err
		}
	}
	return w.files, nil
}

// close removes the files.
func (w *rejectWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file != nil {
		w.file.abort()
		w.file = nil
	}
	if w.folder != nil {
		_ = w.folder.Remove() // what stays goes with the process
	}
}

// counts are the rejects by rule, the most frequent first.
func (w *rejectWriter) counts() []RuleCount {
	var all []RuleCount
	for count, rows := range w.rules {
		count.Rows = rows
		all = append(all, count)
	}
	slices.SortFunc(all, func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
	})
	return all
}
