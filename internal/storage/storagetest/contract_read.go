package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/storage"
)

func testReadAt(t *testing.T, f folder) {
	r, err := f.Open(t.Context(), f.put(t, "file", []byte("0123456789")))
	require.NoError(t, err)
	assert.EqualValues(t, 10, r.Size())
	cases := []struct {
		off, length int
		want        string
		err         error
	}{
		{0, 10, "0123456789", nil},
		{3, 4, "3456", nil},
		{8, 2, "89", nil},
		{8, 5, "89", io.EOF},
		{10, 1, "", io.EOF},
		{20, 1, "", io.EOF},
		{4, 0, "", nil},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%d+%d", c.off, c.length), func(t *testing.T) {
			p := make([]byte, c.length)
			n, err := r.ReadAt(p, int64(c.off))
			assert.Equal(t, c.want, string(p[:n]))
			assert.Equal(t, c.err, err)
		})
	}
	_, err = r.ReadAt(make([]byte, 1), -1)
	require.Error(t, err)
	require.NoError(t, r.Close())
	_, err = r.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, fs.ErrClosed)

	again, err := f.Open(t.Context(), f.put(t, "empty", nil))
	require.NoError(t, err)
	defer again.Close()
	_, err = again.ReadAt(make([]byte, 1), 0)
	assert.Equal(t, io.EOF, err)
	n, err := again.WriteTo(io.Discard)
	require.NoError(t, err)
	assert.Zero(t, n)
}

// read opens a version and reads all of it, in two steps.
func (f folder) read(t *testing.T, info storage.Info, between func()) ([]byte, error) {
	r, err := f.Open(t.Context(), info)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, info.Size)
	if _, err := r.ReadAt(data[:info.Size/2], 0); err != nil {
		return nil, err
	}
	between()
	_, err = r.ReadAt(data[info.Size/2:], info.Size/2)
	return data, err
}

func testReadReplaced(t *testing.T, f folder) {
	before, after := bytes.Repeat([]byte("old"), 100), bytes.Repeat([]byte("new!"), 100)
	info := f.put(t, "file", before)
	data, err := f.read(t, info, func() { f.put(t, "file", after) })
	if err == nil {
		assert.Equal(t, before, data, "the version that was listed, never a mixture")
	} else {
		require.ErrorIs(t, err, storage.ErrChanged)
	}
	_, err = f.read(t, info, func() {})
	require.ErrorIs(t, err, storage.ErrChanged)
	require.ErrorContains(t, err, info.URI)
}

func testReadRemoved(t *testing.T, f folder) {
	before := bytes.Repeat([]byte("old"), 100)
	info := f.put(t, "file", before)
	data, err := f.read(t, info, func() { require.NoError(t, f.RemoveAll(t.Context(), info.URI)) })
	if err == nil {
		assert.Equal(t, before, data)
	} else {
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	_, err = f.read(t, info, func() {})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, info.URI)
}

func testReadConcurrently(t *testing.T, f folder) {
	want := noise(100_000)
	r := f.open(t, f.put(t, "file", want))
	var group errgroup.Group
	for i := range 8 {
		group.Go(func() error { return sameBytes(r, want, i*1000, len(want)-i*3000, 9001) })
	}
	require.NoError(t, group.Wait())
}

// sameBytes reads [start, end) piece by piece and compares.
func sameBytes(r storage.Reader, want []byte, start, end, piece int) error {
	p := make([]byte, piece)
	for off := start; off < end; off += piece {
		n, err := r.ReadAt(p[:min(piece, end-off)], int64(off))
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !bytes.Equal(want[off:min(off+piece, end)], p[:n]) {
			return fmt.Errorf("other bytes at %d", off)
		}
	}
	return nil
}

func testPrepare(t *testing.T, f folder) {
	const size = 6 << 20
	want := noise(size)
	r := f.open(t, f.put(t, "file", want))
	cases := map[string][]storage.Range{
		"none":             nil,
		"whole":            {{Start: 0, Length: size}},
		"columns":          {{Start: 4, Length: 1 << 20}, {Start: 1<<20 + 4, Length: 2 << 20}, {Start: 4 << 20, Length: 2 << 20}},
		"unsorted":         {{Start: 3 << 20, Length: 100}, {Start: 10, Length: 100}},
		"overlapping":      {{Start: 0, Length: 2 << 20}, {Start: 1 << 20, Length: 2 << 20}, {Start: 100, Length: 10}},
		"partly outside":   {{Start: size - 10, Length: 100}, {Start: -5, Length: 10}, {Start: size + 5, Length: 10}, {Start: 7, Length: 0}},
		"small and spread": {{Start: 0, Length: 10}, {Start: 2 << 20, Length: 10}, {Start: 5 << 20, Length: 10}},
	}
	for name, ranges := range cases {
		t.Run(name, func(t *testing.T) {
			r.Prepare(ranges)
			var group errgroup.Group
			for _, span := range ranges { // each from its start, all at the same time
				start, end := max(0, int(span.Start)), min(size, int(span.Start+span.Length))
				group.Go(func() error { return sameBytes(r, want, start, end, 70_001) })
			}
			require.NoError(t, group.Wait())
			require.NoError(t, sameBytes(r, want, 0, size, 1<<20), "everything, prepared or not")
			require.NoError(t, sameBytes(r, want, size-64<<10, size, 1000), "backwards")
			require.NoError(t, sameBytes(r, want, 0, 64<<10, 1000), "backwards")
		})
	}
}

func testPrepareAgain(t *testing.T, f folder) {
	const size = 2 << 20
	want := noise(size)
	r := f.open(t, f.put(t, "file", want))
	var group errgroup.Group
	for i := range 3 {
		group.Go(func() error { return sameBytes(r, want, i*1000, size, 30_011) })
	}
	for i := range 20 {
		r.Prepare([]storage.Range{{Start: int64(i) * 1000, Length: 1 << 20}, {Start: 1<<20 + 50_000, Length: 1 << 19}})
	}
	require.NoError(t, group.Wait())
}
