package delta

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// head is what a checkpoint says but for its files.
type head struct {
	protocol *protocol
	metadata *metadata
	sidecars []storage.Info // files that have its files
}

// The columns of a checkpoint.
const (
	addColumn      = "add"
	protocolColumn = "protocol"
	metadataColumn = "metaData"
	sidecarColumn  = "sidecar"
)

// checkpointReader reads the checkpoint of a segment.
type checkpointReader struct {
	folder string
	base   *checkpoint
	read   lake.ParquetReader
}

// head reads all but the files. A checkpoint that is damaged is a failure that names its file.
func (c checkpointReader) head(ctx context.Context) (*head, error) {
	h := &head{}
	if c.base == nil {
		return h, nil
	}
	var sidecars []sidecar
	take := func(a action) error {
		if a.Protocol != nil {
			h.protocol = a.Protocol
		}
		if a.Metadata != nil {
			h.metadata = a.Metadata
		}
		if a.Sidecar != nil {
			sidecars = append(sidecars, *a.Sidecar)
		}
		return nil
	}
	for _, part := range c.base.parts {
		if err := c.actions(ctx, part, []string{protocolColumn, metadataColumn, sidecarColumn}, take); err != nil {
			return nil, err
		}
	}
	var err error
	h.sidecars, err = c.find(ctx, sidecars)
	return h, err
}

// adds calls visit for the files that the checkpoint has, in their order.
func (c checkpointReader) adds(ctx context.Context, sidecars []storage.Info, visit func(place string, add *addAction) error) error {
	if c.base == nil {
		return nil
	}
	for _, part := range append(append([]storage.Info{}, c.base.parts...), sidecars...) {
		err := c.actions(ctx, part, []string{addColumn}, func(a action) error {
			if a.Add == nil {
				return nil
			}
			return visit(part.URI, a.Add)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// actions visits the actions of a part of a checkpoint, or of a sidecar.
func (c checkpointReader) actions(ctx context.Context, part storage.Info, columns []string, visit func(action) error) error {
	if strings.HasSuffix(part.URI, ".json") {
		return readLines(ctx, part, func(line []byte) error {
			a, err := parseLine(line)
			if err != nil {
				return err
			}
			return visit(a)
		})
	}
	err := c.read(ctx, part, columns, func(record arrow.Record) error {
		return recordActions(record, visit)
	})
	return recordFailure(part.URI, err)
}

// find finds the files of sidecars, with one listing of their folder.
func (c checkpointReader) find(ctx context.Context, sidecars []sidecar) ([]storage.Info, error) {
	if len(sidecars) == 0 {
		return nil, nil
	}
	folder := storage.Join(c.folder, logFolder, sidecarFolder)
	store, err := storage.For(folder)
	if err != nil {
		return nil, unread(folder, err)
	}
	listed, err := store.Glob(ctx, storage.Join(storage.EscapeGlob(folder), "*"))
	if err != nil {
		return nil, unread(folder, err)
	}
	byURI := map[string]storage.Info{}
	for _, info := range listed {
		byURI[info.URI] = info
	}
	var found []storage.Info
	for _, s := range sidecars {
		uri, err := c.sidecarURI(s.Path)
		if err != nil {
			return nil, damaged(c.base.parts[0].URI, "%w", err)
		}
		info, ok := byURI[uri]
		if !ok {
			if info, err = store.Stat(ctx, uri); err != nil {
				return nil, unread(uri, err)
			}
		}
		if s.Size > 0 && info.Size != s.Size {
			return nil, damaged(uri, "it has %d bytes, not the %d that the checkpoint says", info.Size, s.Size)
		}
		found = append(found, info)
	}
	return found, nil
}

// sidecarURI is where a sidecar is that a checkpoint names: by the name of the file, its path from the folder of the
// log, or a whole URI.
func (c checkpointReader) sidecarURI(name string) (string, error) {
	if schemePattern.MatchString(name) || strings.HasPrefix(name, "/") {
		return resolve(c.folder, name)
	}
	folder := storage.Join(c.folder, logFolder, sidecarFolder)
	if path.Base(name) != name {
		return "", fmt.Errorf("the sidecar %q is in another folder", name)
	}
	return resolve(folder, name)
}
