package rejects

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
)

// limits bound memory, and the size of files.
type limits struct {
	groupRows  int64 // of a row group
	groupBytes int64 // that the records of a row group hold in memory
	fileRows   int64
	fileBytes  int64
}

// defaultLimits are what users get.
var defaultLimits = limits{groupRows: 128 << 10, groupBytes: 16 << 20, fileRows: 1 << 20, fileBytes: 64 << 20}

// tableWriter writes the rejects that one bundle has of one table.
type tableWriter struct {
	limits
	table   Keep
	staging string
	account Account

	file    *stagedFile    // nil when there is none
	waiting []arrow.Record // for the next row group
	rows    int64          // that wait
	bytes   int64          // that the waiting records hold
}

func (w *tableWriter) add(ctx context.Context, r batch.Rejects) error {
	record, err := fileRecord(r, w.table.Rules)
	if err != nil {
		return err
	}
	w.account.addRejects(r, w.table.Values)
	if !w.table.Write {
		return nil
	}
	return w.addRecord(ctx, record)
}

// addRecord writes rows of a reject file.
func (w *tableWriter) addRecord(ctx context.Context, record arrow.Record) error {
	if record.NumRows() == 0 {
		return nil
	}
	if len(w.waiting) > 0 && !w.waiting[0].Schema().Equal(record.Schema()) {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	w.waiting = append(w.waiting, record)
	w.rows += record.NumRows()
	w.bytes += heldBytes(record)
	if w.rows >= w.groupRows || w.bytes >= w.groupBytes {
		return w.flush(ctx)
	}
	return nil
}

// flush writes the waiting records as a row group, to a new file if those before it have
// other columns, and ends the file if it is large enough.
func (w *tableWriter) flush(ctx context.Context) error {
	if len(w.waiting) == 0 {
		return nil
	}
	columns := w.waiting[0].Schema()
	if w.file != nil && !w.file.columns.Equal(columns) {
		if err := w.endFile(); err != nil {
			return err
		}
	}
	if w.file == nil {
		var err error
		if w.file, err = newStagedFile(ctx, w.staging, columns); err != nil {
			return err
		}
	}
	if err := w.file.add(w.waiting); err != nil {
		return err
	}
	w.waiting, w.rows, w.bytes = nil, 0, 0
	if w.file.rows >= w.fileRows || w.file.bytes >= w.fileBytes {
		return w.endFile()
	}
	return nil
}

func (w *tableWriter) endFile() error {
	file, err := w.file.commit()
	w.file = nil
	if err == nil {
		w.account.Files = append(w.account.Files, file)
	}
	return err
}

// finish ends the last file, and returns the account of the bundle.
func (w *tableWriter) finish(ctx context.Context) (Account, error) {
	if err := w.flush(ctx); err != nil {
		return Account{}, err
	}
	if w.file != nil {
		if err := w.endFile(); err != nil {
			return Account{}, err
		}
	}
	return w.account, nil
}

// abandon drops the file in work. Those that were ended are never referred to.
func (w *tableWriter) abandon() {
	if w.file != nil {
		w.file.abort()
		w.file = nil
	}
}

// heldBytes is how much memory a record keeps from being freed. What arrays share is
// counted for each of them.
func heldBytes(record arrow.Record) int64 {
	total := int64(0)
	var count func(data arrow.ArrayData)
	count = func(data arrow.ArrayData) {
		for _, buffer := range data.Buffers() {
			if buffer != nil {
				total += int64(buffer.Len())
			}
		}
		for _, child := range data.Children() {
			count(child)
		}
	}
	for _, column := range record.Columns() {
		count(column.Data())
	}
	return total
}
