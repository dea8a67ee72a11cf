package hyper

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// uploaded is a partial on remote storage, under a name.
func uploaded(t testing.TB, bucket, name string, file File) File {
	sum, bytes, err := storage.SHA256(t.Context(), file.Path)
	require.NoError(t, err)
	info, err := storage.Upload(t.Context(), file.Path, storage.Join(bucket, name), storage.IfAbsent())
	require.NoError(t, err)
	file.Path, file.Version, file.SHA256, file.Bytes = info.URI, info.Version, sum, bytes
	return file
}

// remotePartials are partials of one row more each, the first with n from 0, and the sum of all n.
func remotePartials(t testing.TB, bucket string, layout Layout, count int) (partials []File, sum int64) {
	var first int64
	for i := range count {
		rows := i + 1
		partials = append(partials, uploaded(t, bucket, fmt.Sprintf("%d.hyper", i), partial(t, layout, days(0, first, rows, aDate))))
		for n := first; n < first+int64(rows); n++ {
			sum += n
		}
		first += int64(rows)
	}
	return partials, sum
}

// Copies of more partials than one statement takes arrive while requests fail, and are gone afterwards.
func TestMergeOfRemotePartials(t *testing.T) {
	layout := twoTables(t)
	bucket, faults := storagetest.FakeGCS(t)
	partials, sum := remotePartials(t, bucket, layout, chunkPartials+6)
	faults.Inject(storagetest.Fault{On: storagetest.Read, Status: 503, Times: 5})
	faults.Inject(storagetest.Fault{On: storagetest.Read, Cut: true, After: 1000, Times: 5})
	for attempt := range 2 {
		merged, path := mergeAll(t, layout, partials...)
		assert.EqualValues(t, 70*71/2, merged.Tables[0].Rows, attempt)
		assert.Equal(t, fmt.Sprint(sum), value(t, path, `SELECT sum(n) FROM x."Extract"."Extract"`))
		left, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		assert.Len(t, left, 1, "the copies are gone")
	}
}

// Never are more copies on the disk than those of two chunks, nor is the base there twice.
func TestMergeHoldsCopiesOfTwoChunks(t *testing.T) {
	layout := twoTables(t)
	bucket, faults := storagetest.FakeGCS(t)
	one := uploaded(t, bucket, "one.hyper", partial(t, layout, days(0, 0, 10, aDate)))
	var partials []File
	for range 3*chunkPartials + 1 { // the same rows, as often as the account says
		partials = append(partials, one)
	}
	folder := t.TempDir()
	var most atomic.Int64
	faults.Inject(storagetest.Fault{On: storagetest.Read, Before: func() {
		copies, _ := filepath.Glob(filepath.Join(folder, "*.copies", "*.hyper"))
		for seen := most.Load(); int64(len(copies)) > seen && !most.CompareAndSwap(seen, int64(len(copies))); seen = most.Load() {
		}
	}})
	_, err := Merge(t.Context(), hyperdtest.Acquire(t), layout, partials, filepath.Join(folder, "merged.hyper"))
	require.NoError(t, err)
	assert.Greater(t, most.Load(), int64(chunkPartials/2))
	assert.LessOrEqual(t, most.Load(), int64(2*chunkPartials))
}

func TestMergeOfRemotePartialsFails(t *testing.T) {
	layout := twoTables(t)
	cases := []struct {
		name  string
		fault storagetest.Fault
		spoil func(partials []File)
		says  string
	}{
		{"other bytes than were written", storagetest.Fault{}, func(p []File) { p[1].SHA256 = strings.Repeat("0", 64) }, "it is not the file that was written"},
		{"bytes that changed on their way", storagetest.Fault{On: storagetest.Read, Name: "1.hyper", Spoil: true}, nil, "1.hyper"},
		{"the base cannot be read", storagetest.Fault{On: storagetest.Read, Name: "2.hyper", Status: 403}, nil, "2.hyper"},
		{"another version stands there", storagetest.Fault{}, func(p []File) { p[0].Version += "0" }, "0.hyper"},
		{"no disk has room", storagetest.Fault{}, func(p []File) { p[1].Bytes = 1 << 60 }, "may need 2.3 EB, but"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			partials, _ := remotePartials(t, bucket, layout, 3)
			if c.spoil != nil {
				c.spoil(partials)
			}
			if c.fault.On != "" {
				faults.Inject(c.fault)
			}
			folder := t.TempDir()
			_, err := Merge(t.Context(), hyperdtest.Acquire(t), layout, partials, filepath.Join(folder, "merged.hyper"))
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, failure.Storage, failure.Of(err, failure.Engine).Kind)
			requireEmpty(t, folder)
		})
	}
}

// What the disk must hold is the extract, and of remote partials the copies of two chunks.
func TestMergeNeeds(t *testing.T) {
	files := func(scheme string, sizes ...int64) (files []File) {
		for i, size := range sizes {
			files = append(files, File{Path: fmt.Sprintf("%s%d.hyper", scheme, i), Bytes: size, Tables: []Contents{{Rows: 1}}})
		}
		return files
	}
	sorted := Layout{Tables: []Table{{Order: Order{Sort: []string{"a"}}}}}
	const gib = chunkBytes
	cases := []struct {
		name   string
		layout Layout
		files  []File
		chunks int
		needs  int64
	}{
		{"local", Layout{}, files("/", 5*gib, 4*gib, 3*gib), 1, 12 * gib},
		{"remote, one chunk", Layout{}, files("gs://b/", 300, 200, 100), 1, 600 + 300},
		{"remote, three chunks", Layout{}, files("gs://b/", 9*gib, 3*gib, 2*gib, gib), 3, 15*gib + 5*gib},
		{"remote, sorted as a whole", sorted, files("gs://b/", 300, 200, 100), 1, 600 + 600},
		{"local, sorted as a whole", sorted, files("/", 300, 200, 100), 1, 600},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newPartialMerge(c.layout, c.files, "x.hyper")
			assert.Len(t, m.chunks, c.chunks)
			assert.Equal(t, c.needs, m.needs())
		})
	}
}
