package delta

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// Version says which version of a table is meant. The zero value is the latest.
type Version struct {
	number *int64
	time   *time.Time
}

// Latest is the last version there is.
func Latest() Version { return Version{} }

// Number is the version of that number.
func Number(n int64) Version { return Version{number: &n} }

// At is the last version that was there at a time.
func At(t time.Time) Version { return Version{time: &t} }

// Open reads the log of the table in a folder, but for its files, and returns the snapshot of a version.
//
// Failures are of kind Source, and errors of ctx as they are. Known before any data was read are: that the
// folder is no Delta table, that the version does not exist or cannot be made any more, and that the table has what is
// not implemented. A damaged log is known too late for that, so that nobody takes it for a mistake in a configuration. A
// file of the log that went away while it was read may be retried.
func Open(ctx context.Context, folder string, at Version, read lake.ParquetReader) (*lake.Snapshot, error) {
	folder = strings.TrimRight(folder, "/")
	snapshot, err := open(ctx, folder, at, read)
	if errors.Is(err, errGap) { // a listing may miss a commit that is written meanwhile, and see the next one
		snapshot, err = open(ctx, folder, at, read)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return snapshot, err
}

func open(ctx context.Context, folder string, at Version, read lake.ParquetReader) (*lake.Snapshot, error) {
	log, err := list(ctx, folder)
	if err != nil {
		return nil, err
	}
	opener := opener{log, read}
	switch {
	case at.number != nil:
		return opener.snapshot(ctx, *at.number)
	case at.time != nil:
		return opener.snapshotAt(ctx, *at.time)
	}
	latest, _ := log.latest()
	return opener.snapshot(ctx, latest)
}

// opener makes snapshots of a log.
type opener struct {
	log  *listing
	read lake.ParquetReader
}

// snapshot makes the snapshot of a version.
func (o opener) snapshot(ctx context.Context, version int64) (*lake.Snapshot, error) {
	replay, checkpoint, head, err := o.replay(ctx, version)
	if err != nil {
		return nil, err
	}
	m, folder := replay.metadata, o.log.folder
	if err := replay.protocol.check(folder); err != nil {
		return nil, err
	}
	if m.Format.Provider != "" && m.Format.Provider != "parquet" {
		return nil, refused(folder, "its files are in the format %q, and not in Parquet", m.Format.Provider)
	}
	mode, mapping, err := m.mapping(folder, replay.protocol)
	if err != nil {
		return nil, err
	}
	columns, floats, err := m.columns(mode != mappingNone)
	var unknown *unknownTypeError
	switch {
	case errors.As(err, &unknown):
		return nil, refused(folder, "%w", err)
	case err != nil:
		return nil, damaged(storage.Join(folder, logFolder), "%w", err)
	}
	at, err := replay.time()
	if err != nil {
		return nil, err
	}
	files := &files{replay, checkpoint, head.sidecars, columns, floats}
	return &lake.Snapshot{
		Format: lake.Delta, Folder: folder, Version: strconv.FormatInt(version, 10), Time: at, Operation: replay.said.operation,
		Columns: columns, Metadata: replay.segment.infos(), Mapping: mapping, Files: files.list,
	}, nil
}

// replayWithoutCompacted replays the commits themselves where compacted ones failed, which nobody has to read. Where that
// does not do, the failure stays.
func (o opener) replayWithoutCompacted(ctx context.Context, with *segment, failed error) (*replay, error) {
	plain := *o.log
	plain.compacted = nil
	without, err := plain.segment(with.version)
	if err != nil || len(without.steps) == len(with.steps) || ctx.Err() != nil {
		return nil, failed
	}
	replay, err := replayCommits(ctx, without)
	if err != nil {
		return nil, failed
	}
	slog.WarnContext(ctx, "left out compacted commits of a Delta table that cannot be read, for the commits themselves", "error", failed)
	return replay, nil
}

// replay reads what makes a version, but for the files of its checkpoint.
func (o opener) replay(ctx context.Context, version int64) (*replay, checkpointReader, *head, error) {
	segment, err := o.log.segment(version)
	if err != nil {
		return nil, checkpointReader{}, nil, err
	}
	replay, err := replayCommits(ctx, segment)
	if err != nil {
		if replay, err = o.replayWithoutCompacted(ctx, segment, err); err != nil {
			return nil, checkpointReader{}, nil, err
		}
	}
	checkpoint := checkpointReader{o.log.folder, segment.base, o.read}
	head, err := checkpoint.head(ctx)
	if err == nil {
		err = replay.complete(head)
	}
	return replay, checkpoint, head, err
}
