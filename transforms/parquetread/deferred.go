package parquetread

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/batch"
	"hyperlake/internal/hypersql"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread/internal/column"
)

// deferFile sends a batch that stands for a whole file. Of a local one it is known then that
// it is the one that was planned for and that its pages match the checksums they have: hyperd
// does not look at these. A remote one is not touched: it names its version, and whoever
// copies it verifies the copy, so that it crosses the network once.
func (r *shardReader) deferFile(ref FileRef) error {
	files := r.shard.Files
	deferred := batch.Deferred{File: ref, Last: r.shard.Last && ref.Info.URI == files[len(files)-1].Info.URI}
	var err error
	if _, local := storage.LocalPath(ref.Info.URI); local {
		err = r.verifyPlanned(ref)
	} else {
		deferred.Unverified = r.table.stored()
	}
	if err != nil {
		return err
	}
	if deferred.Constants, err = r.table.constants(ref.Partitions); err != nil {
		return err
	}
	return r.send(batch.Batch{
		Table:    r.shard.Table,
		Attempt:  r.shard.Attempt,
		Origin:   batch.Origin{File: ref.Info.URI},
		Tally:    batch.Tally{Read: ref.Rows()},
		Deferred: &deferred,
	})
}

// verifyPlanned holds a file against what was planned, and its pages against their checksums.
func (r *shardReader) verifyPlanned(ref FileRef) error {
	f, err := openFile(r.ctx, ref.Info)
	if err != nil {
		return err
	}
	defer f.reader.Close()
	if groups := f.rowGroups(); len(groups) != len(ref.RowGroups) || f.rows != ref.Rows() {
		return fmt.Errorf("the file is not the one that was planned for: it has %d rows", f.rows)
	}
	return f.verify(r.ctx, r.table.stored())
}

// stored is the columns that a file has of the table, if it has all.
func (t Table) stored() []string {
	var names []string
	for _, field := range t.Schema.Fields() {
		if !slices.Contains(t.Partitions, field.Name) {
			names = append(names, field.Name)
		}
	}
	return names
}

// VerifyPages holds the pages of some columns of a local file against the checksums that they
// have. It is for copies of deferred files ([batch.Deferred.Unverified]), and safe for
// concurrent use. Its error does not name the file.
func VerifyPages(ctx context.Context, path string, columns []string) error {
	return guard(func() error {
		info, err := storage.Local{}.Stat(ctx, path)
		if err != nil {
			return err
		}
		f, err := openFile(ctx, info)
		if err != nil {
			return err
		}
		defer f.reader.Close()
		return f.verify(ctx, columns)
	})
}

// constants is the partition columns of a file for hyperd, which does not look at the names of folders.
func (t Table) constants(values []*string) ([]batch.Constant, error) {
	var constants []batch.Constant
	for i, name := range t.Partitions {
		found, ok := t.Schema.FieldsByName(name)
		if !ok {
			continue // not a column of the table
		}
		sql, ok := PartitionSQL(found[0], values[i])
		if !ok {
			return nil, fmt.Errorf("hyperd has no constant for the value of the partition column %q", name)
		}
		constants = append(constants, batch.Constant{Column: name, SQL: sql})
	}
	return constants, nil
}

// PartitionSQL is [PartitionValue] as a constant of hyperd, and whether it has one.
func PartitionSQL(field arrow.Field, text *string) (sql string, ok bool) {
	value, err := PartitionValue(field, text)
	if err != nil {
		return "", false
	}
	switch column := value.(type) {
	case *array.String:
		if text == nil {
			return hypersql.NullText, true
		}
		return hypersql.Text(column.Value(0))
	case *array.Int64:
		if text == nil {
			return hypersql.NullInteger, true
		}
		return hypersql.Integer(column.Value(0)), true
	case *array.Date32:
		if text == nil {
			return hypersql.NullDate, true
		}
		return hypersql.Date(int64(column.Value(0)))
	}
	return "", false
}

// verify holds the pages of some columns against their checksums.
func (f *file) verify(ctx context.Context, columns []string) error {
	selected, err := f.selectColumns(columns)
	if err != nil {
		return err
	}
	source := cancellable{f.reader, ctx}
	var verifier column.Verifier
	for _, group := range f.rowGroups() {
		if group.Rows == 0 {
			continue
		}
		for _, n := range selected.nodes {
			chunk, err := f.chunkOf(n.shape(level{}), group)
			if err == nil {
				err = verifier.Verify(source, chunk)
			}
			if err != nil {
				return fmt.Errorf("row group %d: column %q: %w", group.Index, n.Name, err)
			}
		}
	}
	return nil
}
