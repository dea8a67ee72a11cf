package delta

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"

	"hyperlake/internal/storage"
)

const (
	smallLog    = 1 << 20  // bytes of a file of the log that is read whole
	smallLogs   = 16 << 20 // bytes of all that are
	fetchAtOnce = 8
)

// fetched is small files of a log, by their URIs. Most commits are small, there can be many, and they are read
// twice: once for what became of files, and once for the files.
type fetched map[string][]byte

// fetch reads the small files of steps, several at once, as far as the memory for them goes. Those that cannot be
// read are left out: whoever needs them meets the error.
func fetch(ctx context.Context, steps []step) fetched {
	contents := make([][]byte, len(steps))
	var group errgroup.Group
	group.SetLimit(fetchAtOnce)
	room := int64(smallLogs)
	for i, step := range steps {
		if step.info.Size > smallLog || step.info.Size > room {
			continue
		}
		room -= step.info.Size
		group.Go(func() error {
			if content, err := readWhole(ctx, step.info); err == nil {
				contents[i] = content
			}
			return nil
		})
	}
	_ = group.Wait() // none fails
	small := fetched{}
	for i, step := range steps {
		if contents[i] != nil {
			small[step.info.URI] = contents[i]
		}
	}
	return small
}

// readWhole reads the version of a file that was listed.
func readWhole(ctx context.Context, info storage.Info) ([]byte, error) {
	store, err := storage.For(info.URI)
	if err != nil {
		return nil, err
	}
	reader, err := store.Open(ctx, info)
	if err != nil {
		return nil, err
	}
	content := make([]byte, info.Size)
	_, err = io.ReadFull(io.NewSectionReader(reader, 0, info.Size), content)
	return content, errors.Join(err, reader.Close())
}
