package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/xlsx"
)

// XLSXOptions are what is known of Excel workbooks before they are read.
type XLSXOptions struct {
	URI    []string // of files, or globs of them
	Sheet  string   // its name, which every file has; "" is the first that is visible
	Header int64    // the row, from 1, that names the columns, below which the rows begin; 0 is 1, unless Names are given
	Names  []string // of the columns from A on, of sheets whose rows begin at the first
	Null   []string // texts of cells and names of errors that are NULL; a cell that is empty is so anyway
}

// Check says what cannot be meant, as a failure of kind Config, before a file is looked at.
func (o XLSXOptions) Check() error {
	const lastRow = 1 << 20 // of a sheet
	switch {
	case o.Header != 0 && len(o.Names) > 0:
		return failure.New(failure.Config, "xlsx: names are of sheets without a header").WithHint("leave header or names out")
	case o.Header < 0 || o.Header > lastRow:
		return failure.New(failure.Config, "xlsx: header is %d, which is no row of a sheet", o.Header).WithHint("rows are numbered from 1")
	case len(o.Names) > maxFields:
		return failure.New(failure.Config, "xlsx: names has more than %d columns", maxFields).WithHint("sheets have no more than that")
	}
	if err := checkNames(o.Names, "xlsx: names"); err != nil {
		return failure.New(failure.Config, "%w", err)
	}
	return nil
}

// headerRow is the row that names the columns; 0 for none.
func (o XLSXOptions) headerRow() int64 {
	if o.Header == 0 && len(o.Names) == 0 {
		return 1
	}
	return o.Header
}

// xlsxSource reads Excel workbooks.
type xlsxSource struct {
	options XLSXOptions
	files   textFiles
	first   firstHeader
}

// NewXLSX reads a sheet of each workbook that the options name, in the order of their URIs: all have the same columns, in any order. What
// cannot be meant by the options is the error of the source's methods, as of [XLSXOptions.Check].
func NewXLSX(options XLSXOptions) Source {
	return &xlsxSource{options: options, files: textFiles{patterns: options.URI}}
}

// Close implements [Source].
func (x *xlsxSource) Close() error { return nil }

// Columns implements [Source]: it reads the header of every file, and rows from the beginning of each until the sample is full.
func (x *xlsxSource) Columns(ctx context.Context) (*arrow.Schema, error) {
	if err := x.options.Check(); err != nil {
		return nil, err
	}
	files, err := x.files.list(ctx)
	if err != nil {
		return nil, err
	}
	var sample *texts
	var of []evidence
	for _, info := range files {
		f, err := x.open(ctx, info)
		if err != nil {
			return nil, err
		}
		if sample == nil {
			sample, of = newTexts(len(x.first.names)), make([]evidence, len(x.first.names))
		}
		err = f.sample(x.first.names, sample, of, len(files))
		if err := errors.Join(err, f.close()); err != nil {
			return nil, readFailure(info.URI, err)
		}
	}
	const hint = "check sheet and header; if errors such as #N/A stand for nothing, say so by null"
	if err := sample.checkReadable(hint); err != nil {
		return nil, err
	}
	return inferAll(x.first.names, sample, func(column int) evidence { return of[column] })
}

// Read implements [Source]. A column of the schema that the files do not have is NULL; one of the files that the schema does not
// have is left out.
func (x *xlsxSource) Read(ctx context.Context, schema *arrow.Schema, sink Sink) (Said, error) {
	if err := x.options.Check(); err != nil {
		return Said{}, err
	}
	files, err := x.files.list(ctx)
	if err != nil {
		return Said{}, err
	}
	reader, err := newTextReader(schema)
	if err != nil {
		return Said{}, err
	}
	var rows int64
	err = deliver(ctx, sink, func(give func(func() (delivery, error)) error) error {
		for _, info := range files {
			n, err := x.readFile(ctx, info, reader, give)
			rows += n
			if err != nil {
				return readFailure(info.URI, err)
			}
		}
		return nil
	})
	return x.files.said(rows, "rows"), err
}

// readFile gives all rows of a file, and says how many they are.
func (x *xlsxSource) readFile(
	ctx context.Context, info storage.Info, reader *textReader, give func(func() (delivery, error)) error,
) (rows int64, err error) {
	f, err := x.open(ctx, info)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	f.targets = targetsOf(f.header, func(name string) int { return firstOf(reader.pinned.FieldIndices(name)) })
	absent := absentColumns(reader.pinned.NumFields(), f.targets)
	for {
		t := newTexts(reader.pinned.NumFields())
		for more := true; more && t.bytes < chunkBytes && len(t.lines)+len(t.rejects) < chunkRows; {
			if more, err = f.next(); err != nil {
				return 0, err
			}
			if more {
				f.add(t, reader.isText)
			}
		}
		if len(t.lines)+len(t.rejects) == 0 {
			return f.rows, f.check(ctx)
		}
		for _, column := range absent {
			t.columns[column].padTo(len(t.lines))
		}
		if err := give(func() (delivery, error) { return reader.deliver(f.name, t) }); err != nil {
			return 0, err
		}
	}
}

// sample adds rows from the beginning of the file, until its share of a sample is full, and notes what its values were.
func (f *xlsxFile) sample(names []string, sample *texts, of []evidence, files int) error {
	rows, size := sampleShare(files)
	f.targets = targetsOf(f.header, func(name string) int { return slices.Index(names, name) })
	for before := sample.bytes; rows > 0 && sample.bytes-before < size && sample.bytes < 2*sampleBytes; rows-- {
		more, err := f.next()
		if !more || err != nil {
			return err
		}
		if f.add(sample, func(int) bool { return false }) {
			f.note(of)
		}
	}
	return nil
}

// note notes what the values of the row were.
func (f *xlsxFile) note(of []evidence) {
	for _, cell := range f.row.Cells {
		if cell.Column < len(f.targets) && len(cell.Text) > 0 && !f.isNull(cell) {
			at := f.targets[cell.Column]
			of[at] = of[at].and(evidenceOfCell(cell.Kind))
		}
	}
}

func evidenceOfCell(kind xlsx.Kind) evidence {
	switch kind {
	case xlsx.Number:
		return ofNumbers
	case xlsx.Boolean:
		return ofBooleans
	case xlsx.Moment:
		return ofMoments
	}
	return ofText
}

// flaw is why the row cannot be read: by its first cell that cannot, if it is not the row as a whole.
func (f *xlsxFile) flaw() (column string, flaw xlsx.Flaw, found bool) {
	if f.row.TooLong {
		return "", xlsx.Flaw{Rule: flawTooLong.rule, Reason: flawTooLong.reason}, true
	}
	for _, cell := range f.row.Cells {
		switch {
		case cell.Column >= len(f.header):
			if len(cell.Text) > 0 || cell.Kind == xlsx.Flawed {
				return "", xlsx.Flaw{Rule: "columns", Reason: fmt.Sprintf("the row has something in column %s, but the last column is %s",
					xlsx.ColumnName(cell.Column), xlsx.ColumnName(len(f.header)-1))}, true
			}
		case cell.Kind == xlsx.Flawed && f.targets[cell.Column] >= 0 && !f.isNull(cell):
			return f.header[cell.Column], cell.Flaw, true
		}
	}
	return "", xlsx.Flaw{}, false
}

// add adds the row that was read, or rejects it, which is false. keepsEmpty says which columns have empty texts.
func (f *xlsxFile) add(t *texts, keepsEmpty func(column int) bool) bool {
	if column, flaw, found := f.flaw(); found {
		f.reject(t, column, flaw)
		return false
	}
	cells := f.row.Cells
	for i, target := range f.targets {
		var cell *xlsx.Cell
		if len(cells) > 0 && cells[0].Column == i {
			cell, cells = &cells[0], cells[1:]
		}
		switch {
		case target < 0:
		case cell == nil || f.isNull(*cell) || len(cell.Text) == 0 && !keepsEmpty(target):
			t.columns[target].appendNull()
		default:
			t.columns[target].append(cell.Text)
			t.bytes += len(cell.Text)
		}
	}
	t.lines = append(t.lines, f.row.Number)
	return true
}

// isNull says whether the cell holds a text, or an error, that stands for NULL.
func (f *xlsxFile) isNull(cell xlsx.Cell) bool {
	return (cell.Kind == xlsx.Text || cell.Kind == xlsx.Flawed) && slices.Contains(f.nulls, string(cell.Text))
}

// reject notes the row that was read, with its values.
func (f *xlsxFile) reject(t *texts, column string, flaw xlsx.Flaw) {
	values := make(map[string]string, len(f.header))
	for _, cell := range f.row.Cells {
		if cell.Column < len(f.header) {
			values[f.header[cell.Column]] = shown(string(cell.Text))
		}
		t.bytes += len(cell.Text)
	}
	t.rejects = append(t.rejects, Reject{
		File: f.name, Line: f.row.Number, Column: column, Reason: flaw.Reason, Rule: flaw.Rule, Values: values,
	})
}
