package hyper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
)

const (
	// chunkPartials is how many partials one statement reads, where nothing is sorted: enough
	// for all cores, and not too many to be open at the same time.
	chunkPartials = 64

	// chunkBytes is how large the copies of remote partials of one chunk are together, unless
	// it is one partial.
	chunkBytes = 1 << 30

	// copiesAtOnce is how many remote partials are copied at the same time.
	copiesAtOnce = 4
)

// partialMerge inserts partials into the extract at path, chunk by chunk. Of remote ones,
// the base is the extract's first content itself, and a chunk is copied while the one before
// it is inserted, and removed when it was: the disk holds the extract and the copies of two
// chunks. A table that is sorted as a whole needs all partials in one chunk.
type partialMerge struct {
	layout Layout
	path   string
	copies string // folder, on the disk of path
	base   []File // one, or none where the extract is new
	chunks [][]File
}

// newPartialMerge plans the merge of partials, in their order.
func newPartialMerge(layout Layout, partials []File, path string) *partialMerge {
	m := &partialMerge{layout: layout, path: path, copies: path + ".copies"}
	if layout.sortsExtract() {
		m.chunks = [][]File{partials}
		return m
	}
	m.base, m.chunks = partials[:1], chunked(partials[1:])
	return m
}

// chunked divides partials into neighbours that are inserted by one statement for each table.
func chunked(partials []File) [][]File {
	var chunks [][]File
	var bytes int64
	for _, partial := range partials {
		last := len(chunks) - 1
		if last < 0 || len(chunks[last]) == chunkPartials || bytes+remoteBytes(partial) > chunkBytes {
			chunks, bytes = append(chunks, nil), 0
			last++
		}
		chunks[last] = append(chunks[last], partial)
		bytes += remoteBytes(partial)
	}
	return chunks
}

// remoteBytes is how many bytes a copy of the file takes; 0 if it needs none.
func remoteBytes(file File) int64 {
	if storage.IsLocal(file.Path) {
		return 0
	}
	return file.Bytes
}

// needs is how many bytes of disk the merge may take: those of the extract, which is about
// as large as its partials, and of the copies.
func (m *partialMerge) needs() int64 {
	var extract, before, most int64
	for _, file := range m.base {
		extract += file.Bytes
	}
	for _, chunk := range m.chunks {
		var copies int64
		for _, file := range chunk {
			extract += file.Bytes
			copies += remoteBytes(file)
		}
		most, before = max(most, before+copies), copies
	}
	return extract + most
}

// run makes the extract and leaves it attached as mergeAlias.
func (m *partialMerge) run(ctx context.Context, conn *hyperd.Conn) error {
	if err := (FileOptions{}).checkRoom(filepath.Dir(m.path), m.needs()); err != nil {
		return err
	}
	if err := os.Mkdir(m.copies, 0o700); err != nil {
		return stagingError(err)
	}
	fetched := make(chan []File) // without room: one chunk is copied while another is inserted
	both, within := errgroup.WithContext(ctx)
	both.Go(func() error {
		defer close(fetched)
		return m.fetchChunks(within, fetched)
	})
	both.Go(func() error {
		if err := m.begin(within, conn); err != nil {
			return err
		}
		for chunk := range fetched {
			if err := m.insert(within, conn, chunk); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(both.Wait(), stagingError(os.RemoveAll(m.copies)))
}

// fetchChunks makes one chunk after another local, in their order.
func (m *partialMerge) fetchChunks(ctx context.Context, fetched chan<- []File) error {
	for _, chunk := range m.chunks {
		local := slices.Clone(chunk)
		copying, within := errgroup.WithContext(ctx)
		copying.SetLimit(copiesAtOnce)
		for i := range local {
			copying.Go(func() (err error) {
				local[i].Path, err = Fetch(within, local[i], m.copies)
				return err
			})
		}
		if err := copying.Wait(); err != nil {
			return err
		}
		select {
		case fetched <- local:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// begin opens the extract: a copy of the base, or a new file.
func (m *partialMerge) begin(ctx context.Context, conn *hyperd.Conn) error {
	if len(m.base) == 0 {
		return m.layout.create(ctx, conn, m.path, mergeAlias)
	}
	base := m.base[0]
	found, err := Fetch(ctx, base, m.copies)
	if err != nil {
		return err
	}
	if found == base.Path {
		err = copyFile(ctx, found, m.path)
	} else {
		err = os.Rename(found, m.path) // nobody else has this copy
	}
	if err != nil {
		return failure.New(failure.Storage, "copy partial %s: %w", base.Path, err).WithHint("%s", storage.Hint(err))
	}
	return conn.Attach(ctx, m.path, mergeAlias)
}

// insert inserts the rows of local partials into the open extract, and removes those that are copies.
func (m *partialMerge) insert(ctx context.Context, conn *hyperd.Conn, partials []File) error {
	for i, partial := range partials {
		if err := conn.AttachReadOnly(ctx, partial.Path, restAlias(i)); err != nil {
			return fmt.Errorf("open partial %s: %w", partial.Path, err)
		}
	}
	for t, table := range m.layout.Tables {
		var sources []string
		for i, partial := range partials {
			if partial.Tables[t].Rows > 0 {
				sources = append(sources, fmt.Sprintf("SELECT %s FROM %s", table.columnNames(), table.in(restAlias(i))))
			}
		}
		for _, query := range table.mergeQueries(sources) {
			if _, err := conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) %s", table.in(mergeAlias), table.columnNames(), query)); err != nil {
				return fmt.Errorf("insert into table %s: %w", table, err)
			}
		}
	}
	for i, partial := range partials {
		if err := conn.Detach(ctx, restAlias(i)); err != nil {
			return fmt.Errorf("close partial %s: %w", partial.Path, err)
		}
		if filepath.Dir(partial.Path) == m.copies {
			if err := removeFile(partial.Path); err != nil {
				return stagingError(err)
			}
		}
	}
	return nil
}

func restAlias(i int) string { return fmt.Sprintf("rest%d", i) }

// copyPart is how many bytes are copied between two looks at the context.
const copyPart = 64 << 20

// copyFile copies a file to a new one, by the file system's own means where it has any.
func copyFile(ctx context.Context, from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(target, source, copyPart); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
