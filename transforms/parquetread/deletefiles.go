package parquetread

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
	"hyperlake/internal/storage"
)

const (
	// MaxEqualityDeletes is how many rows the files of equality deletes that are for one data file have at most: what is held of
	// them is some 270 MB then, in each shard that is read at the same time, and as much for the files that others share.
	MaxEqualityDeletes = 16 << 20

	// maxPositions is how many rows a file of position deletes names at most that is read once for all data files, of which
	// as many bytes are held. Others are read once for each, and only its own rows are held.
	maxPositions = 8 << 20
)

// deleteFiles reads the files that delete rows of those of a shard: once each, as long as what they say fits into memory.
type deleteFiles struct {
	ctx       context.Context
	settings  settings
	keys      *Projection // see [Projection.Keys]
	positions cache[*iceberg.Positions]
	tuples    cache[iceberg.Tuples] // of files, and of several together
}

func (r *shardReader) newDeleteFiles() *deleteFiles {
	s := r.settings
	s.picked = nil
	return &deleteFiles{
		ctx: r.ctx, settings: s, keys: r.table.Keys,
		positions: cache[*iceberg.Positions]{most: maxPositions * iceberg.PositionBytes},
		tuples:    cache[iceberg.Tuples]{most: MaxEqualityDeletes * iceberg.TuplesBytes},
	}
}

// named are the rows of a data file that files of position deletes name.
func (d *deleteFiles) named(ref FileRef) (*roaring64.Bitmap, error) {
	rows := roaring64.New()
	for _, file := range ref.PositionDeletes {
		its, err := d.namedIn(file, ref.Path)
		if err != nil {
			return nil, err
		}
		rows.Or(its)
	}
	return rows, nil
}

func (d *deleteFiles) namedIn(file lake.DeleteFile, path string) (*roaring64.Bitmap, error) {
	if file.Rows > maxPositions {
		return iceberg.ReadPositionsOf(d.ctx, file, path, ReadColumns)
	}
	all, err := d.positions.get(file.URI, func() (*iceberg.Positions, int64, error) {
		all, err := iceberg.ReadPositions(d.ctx, file, ReadColumns)
		return all, file.Rows * iceberg.PositionBytes, err
	})
	if err != nil {
		return nil, err
	}
	return all.Of(path), nil
}

// equal are the rows of a data file, of its row groups that are to be read, that have the values of a row in a file of equality deletes.
func (d *deleteFiles) equal(ref FileRef) (*roaring64.Bitmap, error) {
	rows := roaring64.New()
	for _, like := range alike(ref.EqualityDeletes) {
		values, err := d.together(like)
		if err != nil {
			return nil, err
		}
		keys, paths, err := d.keys.only(like.fields)
		if err != nil {
			return nil, err
		}
		data, err := d.keysOf(ref)
		if err != nil {
			return nil, err
		}
		err = readShard(d.ctx, Shard{Files: []FileRef{data}}, keys, func(b batch.Batch) error {
			return values.Find(b.Record, paths, func(row int) { rows.Add(uint64(b.Number(row))) })
		}, d.settings)
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// deletesAlike are files of equality deletes that compare the same fields.
type deletesAlike struct {
	fields []int32 // ids, ascending
	files  []lake.DeleteFile
}

// alike puts those together that compare the same fields.
func alike(files []lake.DeleteFile) []deletesAlike {
	var all []deletesAlike
	for _, file := range files {
		fields := file.Fields
		if !slices.IsSorted(fields) {
			fields = slices.Sorted(slices.Values(fields))
		}
		at := slices.IndexFunc(all, func(d deletesAlike) bool { return slices.Equal(d.fields, fields) })
		if at < 0 {
			at = len(all)
			all = append(all, deletesAlike{fields: fields})
		}
		all[at].files = append(all[at].files, file)
	}
	return all
}

// together is what several files say.
func (d *deleteFiles) together(like deletesAlike) (iceberg.Tuples, error) {
	if len(like.files) == 1 {
		return d.valuesIn(like.files[0], like.fields)
	}
	var key strings.Builder
	fmt.Fprint(&key, like.fields)
	for _, file := range like.files {
		fmt.Fprintf(&key, "%q", file.URI)
	}
	return d.tuples.get(key.String(), func() (iceberg.Tuples, int64, error) {
		var all []iceberg.Tuples
		for _, file := range like.files {
			one, err := d.valuesIn(file, like.fields)
			if err != nil {
				return one, 0, err
			}
			all = append(all, one)
		}
		values := iceberg.Union(all...)
		return values, int64(values.Len()) * iceberg.TuplesBytes, nil
	})
}

func (d *deleteFiles) valuesIn(file lake.DeleteFile, fields []int32) (iceberg.Tuples, error) {
	return d.tuples.get(fmt.Sprint(fields, file.URI), func() (iceberg.Tuples, int64, error) {
		values, err := d.readValues(file, fields)
		return values, int64(values.Len()) * iceberg.TuplesBytes, err
	})
}

// readValues reads a file of equality deletes.
func (d *deleteFiles) readValues(file lake.DeleteFile, fields []int32) (iceberg.Tuples, error) {
	var values iceberg.TupleBuilder
	err := iceberg.ReadDeletes(d.ctx, file, func(info storage.Info, count func(arrow.Record) error) error {
		keys, paths, err := d.keys.only(fields)
		if err != nil {
			return err
		}
		keys.Partitions = nil // what a file of deletes lacks, it cannot compare
		footers, err := ReadFooters(d.ctx, []storage.Info{info}, FooterOptions{Mapping: keys.Mapping})
		if err != nil {
			return err
		}
		if err := requirePaths(footers[0].Schema, keys, paths, fields); err != nil {
			return err
		}
		shard := Shard{Files: []FileRef{{Info: info, RowGroups: footers[0].RowGroups}}}
		return readShard(d.ctx, shard, keys, func(b batch.Batch) error {
			if err := count(b.Record); err != nil {
				return err
			}
			return values.Add(b.Record, paths)
		}, d.settings)
	})
	if err != nil {
		return iceberg.Tuples{}, iceberg.DeletesFailure(d.ctx, "equality", file.URI, err)
	}
	return values.Tuples(), nil
}
