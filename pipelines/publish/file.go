package publish

import (
	"context"
	"path"
	"path/filepath"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
)

// Extract is an extract that is to be published, or a set of several.
type Extract struct {
	path    string // local
	sha256  string
	bytes   int64
	fresh   bool   // this run made it
	scratch string // folder for files that are made of it
	content hyper.Content

	set *output.Set // instead of a file, where partials are not merged
}

// Standing finds what stands at the output path: the extract, or the set of those that are not
// merged, which are fetched one by one when they are sent. It is listed in the report, and progress,
// which may be nil, is told meanwhile. It fails with one of kind Storage where nothing stands there, or cannot be read.
func Standing(
	ctx context.Context, cfg *config.Config, record *report.Report, scratch string, progress func(report.Progress),
) (extract Extract, err error) {
	if cfg.Output.Merge == config.MergeNone {
		set, err := output.ReadSet(ctx, cfg.Output.Path)
		if err == nil {
			output.NoteSet(record, set)
		}
		return Extract{scratch: scratch, set: set}, err
	}
	extract, err = fetchExtract(watchReading(ctx, progress), cfg.Output.Path, scratch)
	if err == nil {
		record.Output.Bytes, record.Output.SHA256 = extract.bytes, extract.sha256
	}
	return extract, err
}

// Placed is what this run has moved into place. Of a remote extract that is the local file that was
// uploaded. Only a set is read back, and fails as that of [Standing] does.
func Placed(ctx context.Context, cfg *config.Config, extract hyper.File, scratch string) (Extract, error) {
	if cfg.Output.Merge == config.MergeNone {
		set, err := output.ReadSet(ctx, cfg.Output.Path)
		return Extract{fresh: true, scratch: scratch, set: set}, err
	}
	path, local := storage.LocalPath(cfg.Output.Path)
	if !local {
		path = extract.Path
	}
	return Extract{fresh: true, path: path, sha256: extract.SHA256, bytes: extract.Bytes, scratch: scratch}, nil
}

// Sent is how many rows were published, and how many bytes were sent for that.
func Sent(sources []*report.Publishing) (rows, bytes int64) {
	for _, source := range sources {
		bytes += source.Bytes
		if source.Outcome == outcomePublished {
			rows += source.Rows
		}
	}
	return rows, bytes
}

// fetchExtract makes sure that the extract is local, and hashes it.
func fetchExtract(ctx context.Context, uri, scratch string) (Extract, error) {
	path, err := storage.Fetch(ctx, uri, filepath.Join(scratch, path.Base(uri)))
	extract := Extract{path: path, scratch: scratch}
	if err == nil {
		extract.sha256, extract.bytes, err = storage.SHA256(ctx, path)
	}
	if err != nil {
		return Extract{}, failure.New(failure.Storage, "read the extract %s: %w", uri, err).WithHint("%s", storage.Hint(err))
	}
	return extract, nil
}
