package plan

import (
	"context"

	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/transforms/parquetread"
)

// Survey is what there is to read of a source, before any footer is read.
type Survey struct {
	Version  *TableVersion // nil for loose files
	Files    int
	Bytes    int64  // of the files
	First    string // URI of a file; empty if there is none
	Warnings []string
}

// Look finds out what there is to read of a source. No files are no error; it fails with one of kind Source as a plan
// would.
func Look(ctx context.Context, source config.SourceConfig) (*Survey, error) {
	table, err := findTable(ctx, source)
	if err != nil {
		return nil, err
	}
	if table != nil {
		return lookAtTable(ctx, source, *table)
	}
	found, err := ListFiles(ctx, source)
	if err != nil {
		return nil, err
	}
	s := &Survey{Warnings: found.Warnings()}
	for _, file := range found.Files {
		s.add(file.URI, file.Size)
	}
	return s, nil
}

func lookAtTable(ctx context.Context, source config.SourceConfig, table lake.Table) (*Survey, error) {
	src, err := openTable(ctx, source, table)
	if err != nil {
		return nil, err
	}
	s := &Survey{Version: src.Version()}
	return s, src.table.Files(ctx, nil, func(file lake.File) error {
		s.add(file.URI, file.Size)
		return nil
	})
}

func (s *Survey) add(uri string, bytes int64) {
	if s.Files == 0 {
		s.First = uri
	}
	s.Files++
	s.Bytes += bytes
}

// FirstFooter reads the footer of the first file. It fails as [parquetread.ReadFooter] does, and where the file is not there.
func (s *Survey) FirstFooter(ctx context.Context) (parquetread.Footer, error) {
	info, err := storage.Stat(ctx, s.First)
	if err != nil {
		return parquetread.Footer{}, listFailure(err)
	}
	return parquetread.ReadFooter(ctx, info)
}
