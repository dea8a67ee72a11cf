package delta

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// files lists the files of a snapshot: those of its checkpoint, then those that its commits added.
type files struct {
	replay     *replay
	checkpoint checkpointReader
	sidecars   []storage.Info
	columns    []lake.Column
	floats     map[string]bool // stored names of columns that were of type float
}

// list is [lake.Snapshot.Files].
func (f *files) list(ctx context.Context, wanted func(string) bool, emit func(lake.File) error) error {
	var stopped error // by emit, whose error comes back as it is
	l := &lister{
		files: f, statistics: newStatisticsReader(f.columns, f.floats, wanted), alive: map[fileKey]uint64{},
		emit: func(file lake.File) error {
			stopped = emit(file)
			return stopped
		},
	}
	err := f.checkpoint.adds(ctx, f.sidecars, l.fromCheckpoint)
	for i := 0; err == nil && i < len(f.replay.segment.steps); i++ {
		err = l.fromStep(ctx, i)
	}
	switch {
	case stopped != nil:
		return stopped
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// lister hands out the files of a snapshot.
type lister struct {
	*files
	statistics statisticsReader
	alive      map[fileKey]uint64 // the files so far, and which of their rows are deleted
	emit       func(lake.File) error
}

// fromCheckpoint hands out a file of the checkpoint, unless a commit said more of it.
func (l *lister) fromCheckpoint(place string, add *addAction) error {
	uri, err := resolve(l.replay.segment.folder, add.Path)
	if err != nil {
		return damaged(place, "%w", err)
	}
	if _, ok := l.replay.fates[keyOf(uri, add.Vector.id())]; ok {
		return nil
	}
	return l.hand(place, uri, add)
}

// fromStep hands out the files that a step added, if no later one said more of them.
func (l *lister) fromStep(ctx context.Context, at int) error {
	step := l.replay.segment.steps[at]
	return l.replay.lines(ctx, step, func(line []byte) error {
		var only struct {
			Add *addAction `json:"add"`
		}
		if err := parseInto(line, &only); err != nil || only.Add == nil {
			return err
		}
		uri, err := resolve(l.replay.segment.folder, only.Add.Path)
		if err != nil {
			return &lineError{err}
		}
		if l.replay.fates[keyOf(uri, only.Add.Vector.id())] != (fate{int32(at), true}) {
			return nil
		}
		return l.hand(step.info.URI, uri, only.Add)
	})
}

// hand hands out a file, once. One that is there with several sets of deleted rows would be read twice.
func (l *lister) hand(place, uri string, add *addAction) error {
	path, id := keyOf(uri, ""), keyOf("", add.Vector.id())
	vector := binary.LittleEndian.Uint64(id[:])
	if known, ok := l.alive[path]; ok {
		if known != vector {
			return damaged(place, "the file %s is in the table twice, with different deleted rows", uri)
		}
		return nil
	}
	l.alive[path] = vector
	file, err := l.file(uri, add)
	if err != nil {
		var known *failure.Error
		if errors.As(err, &known) {
			return err
		}
		return damaged(place, "the file %s: %w", uri, err)
	}
	return l.emit(file)
}

func (l *lister) file(uri string, add *addAction) (lake.File, error) {
	if add.Size < 0 {
		return lake.File{}, fmt.Errorf("it has %d bytes", add.Size)
	}
	file := lake.File{URI: uri, Size: add.Size, Modified: time.UnixMilli(add.Modified).UTC()}
	file.Rows, file.Statistics = l.statistics.read(add)
	for _, column := range l.columns {
		if column.Partition {
			file.Partition = append(file.Partition, partitionValue(column, add.Partition))
		}
	}
	if add.Vector == nil {
		return file, nil
	}
	var err error
	if file.Deletes, err = add.Vector.vector(l.replay.segment.folder); err != nil {
		return lake.File{}, err
	}
	if file.Rows >= 0 && file.Deletes.Cardinality > file.Rows {
		return lake.File{}, fmt.Errorf("%d of its %d rows are deleted", file.Deletes.Cardinality, file.Rows)
	}
	return file, nil
}

// partitionValue is that of a column. No text is NULL, whatever the type.
func partitionValue(column lake.Column, values map[string]*string) *string {
	value := values[column.Stored]
	if value == nil || *value == "" {
		return nil
	}
	if t, ok := column.Type.(*arrow.TimestampType); ok && t.TimeZone == "" { // of which columns of a checkpoint say more
		plain := strings.Replace(strings.TrimSuffix(*value, "Z"), "T", " ", 1)
		return &plain
	}
	return value
}
