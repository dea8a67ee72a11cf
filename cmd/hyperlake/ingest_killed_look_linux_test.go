//go:build faults

package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// ingestFile and schemaFile are what a reader of somebody else's knows of those files.
type ingestFile struct {
	RunID string `json:"run_id"`
	Rows  int64
	Parts []struct {
		Name, SHA256 string
		Rows, Bytes  int64
	}
}

type schemaFile struct{ Columns []struct{ Name, Type string } }

// look compares all folders with what was there before and what the last run was to bring, and notes which of it is there.
func (n *ingested) look() {
	n.t.Helper()
	later := false
	for _, folder := range slices.Backward(n.folders()) {
		found := n.versionIn(folder)
		require.Contains(n.t, []int{n.was[folder], n.version}, found, "%s: %v", folder, n.names())
		require.False(n.t, later && found != n.version, "%s was brought in after %s", folder, n.folders())
		later = found == n.version
		n.was[folder] = found
	}
	for folder, version := range n.was {
		if strings.HasPrefix(folder, "lake/") {
			require.Equal(n.t, version, n.versionIn(folder), folder)
		}
	}
	for name, folder := range map[string]string{"bad/orders": n.folders()[0], "bad/events": n.folders()[1]} {
		n.lookAtRejects(name, folder)
	}
}

// versionIn is the version of the rows in a folder, 0 where nothing is said of it.
func (n *ingested) versionIn(folder string) int {
	n.t.Helper()
	said, ok := n.said(folder)
	if !ok {
		for _, name := range n.names() {
			require.False(n.t, path.Dir(name) == folder && strings.HasSuffix(name, ".parquet"), name)
		}
		return 0
	}
	var named []string
	var rows int64
	for _, part := range said.Parts {
		uri := storage.Join(n.root, folder, part.Name)
		named, rows = append(named, uri), rows+part.Rows
		if part.SHA256 != "" { // else it says only that these are the old ones
			local, err := storage.Fetch(n.t.Context(), uri, filepath.Join(n.t.TempDir(), part.Name))
			require.NoError(n.t, err)
			require.NoError(n.t, storage.VerifySHA256(n.t.Context(), local, part.Bytes, part.SHA256))
		}
	}
	ids := n.idsIn(folder, named)
	require.Len(n.t, ids, int(rows))
	if storage.IsLocal(n.root) {
		all, err := filepath.Glob(filepath.Join(n.root, folder, "*.parquet"))
		require.NoError(n.t, err)
		require.Equal(n.t, ids, n.idsIn(folder, all), "whoever reads all files")
	}
	if len(ids) == 0 { // before the first run has ended
		return 0
	}
	version := int(ids[0] / 1000)
	require.Equal(n.t, idsOf(version), ids, folder)
	return version
}

func (n *ingested) said(folder string) (said ingestFile, ok bool) {
	n.t.Helper()
	err := storage.GetJSON(n.t.Context(), storage.Join(n.root, folder, "_ingest.json"), &said)
	if errors.Is(err, fs.ErrNotExist) {
		return said, false
	}
	require.NoError(n.t, err)
	return said, true
}

// idsIn are the ids in files of a folder, whose columns must be pinned.
func (n *ingested) idsIn(folder string, uris []string) (ids []int64) {
	n.t.Helper()
	for _, uri := range uris {
		n.requirePinned(folder, uri)
		for _, id := range n.texts(uri, "id") {
			number, err := strconv.ParseInt(id, 10, 64)
			require.NoError(n.t, err)
			ids = append(ids, number)
		}
	}
	slices.Sort(ids)
	return ids
}

// texts are the values of a column in a file.
func (n *ingested) texts(uri, column string) (values []string) {
	n.t.Helper()
	info, err := storage.Stat(n.t.Context(), uri)
	require.NoError(n.t, err)
	require.NoError(n.t, parquetread.ReadColumns(n.t.Context(), info, []string{column}, func(rows arrow.Record) error {
		for i := range int(rows.NumRows()) {
			values = append(values, rows.Column(0).ValueStr(i))
		}
		return nil
	}))
	return values
}

// requirePinned compares the columns of a file with those that are pinned, which may be more, or wider, of a run that was killed, and for
// the folders of other days.
func (n *ingested) requirePinned(folder, uri string) {
	n.t.Helper()
	if strings.HasPrefix(folder, "lake/orders/") {
		folder = "lake/orders"
	}
	var pinned schemaFile
	require.NoError(n.t, storage.GetJSON(n.t.Context(), storage.Join(n.root, folder, "_schema.json"), &pinned))
	info, err := storage.Stat(n.t.Context(), uri)
	require.NoError(n.t, err)
	footer, err := parquetread.ReadFooter(n.t.Context(), info)
	require.NoError(n.t, err)
	require.LessOrEqual(n.t, footer.Schema.NumFields(), len(pinned.Columns))
	for i, field := range footer.Schema.Fields() {
		require.Equal(n.t, pinned.Columns[i].Name, field.Name, uri)
		if decimal, ok := field.Type.(*arrow.Decimal128Type); ok {
			digits, scale, _ := strings.Cut(strings.Trim(pinned.Columns[i].Type, "numeric()"), ",")
			require.GreaterOrEqual(n.t, digits, strconv.Itoa(int(decimal.Precision)))
			require.GreaterOrEqual(n.t, scale, strconv.Itoa(int(decimal.Scale)))
		}
	}
}

// lookAtRejects compares a folder of rejects with those of before and of the last run. The names of files say of which run they are: where
// that is not the one of the rows, they are of one that put no rows into place.
func (n *ingested) lookAtRejects(name, folder string) {
	n.t.Helper()
	versions, runs := map[int][]int64{}, map[int]string{}
	for _, file := range n.names() {
		if path.Dir(file) != name || !strings.HasSuffix(file, ".parquet") {
			continue
		}
		for _, id := range n.texts(storage.Join(n.root, file), "id") {
			number, err := strconv.ParseInt(id, 10, 64)
			require.NoError(n.t, err)
			version := int(number / 1000)
			versions[version] = append(versions[version], number)
			runs[version] = strings.TrimSuffix(strings.TrimPrefix(path.Base(file), "part-00000-"), ".parquet")
		}
	}
	if storage.IsLocal(n.root) { // elsewhere the new ones come before the old ones go
		require.LessOrEqual(n.t, len(versions), 1, name)
	}
	said, _ := n.said(folder)
	for version, ids := range versions {
		require.Contains(n.t, []int{n.was[name], n.version}, version, name)
		require.Equal(n.t, badOf(version), ids, name)
		if version == n.version {
			require.Equal(n.t, n.was[folder] == version, runs[version] == said.RunID, "%s are of %s, the rows of %s", name, runs[version], said.RunID)
			n.was[name] = version
		}
	}
}

// names are those of all files below the root.
func (n *ingested) names() (names []string) {
	n.t.Helper()
	store, err := storage.For(n.root)
	require.NoError(n.t, err)
	found, err := store.List(n.t.Context(), n.root)
	require.NoError(n.t, err)
	for _, info := range found {
		names = append(names, strings.TrimPrefix(info.URI, storage.Join(n.root, "")))
	}
	slices.Sort(names)
	return names
}

// requireClean compares what is there after a run that ended well with what should be, once the guards of dead runs have done their work.
func (n *ingested) requireClean() {
	n.t.Helper()
	var want []string
	for folder := range n.was {
		if said, ok := n.said(folder); ok {
			want = append(want, folder+"/_ingest.json")
			for _, part := range said.Parts {
				want = append(want, folder+"/"+part.Name)
			}
		}
	}
	want = append(want, "lake/orders/_schema.json", "lake/events/_schema.json", "lake/numbers/_schema.json")
	for _, name := range []string{"bad/orders", "bad/events"} {
		if len(badOf(n.was[name])) > 0 {
			said, _ := n.said(map[string]string{"bad/orders": n.folders()[0], "bad/events": n.folders()[1]}[name])
			want = append(want, name+"/part-00000-"+said.RunID+".parquet")
		}
	}
	slices.Sort(want)
	assert.Eventually(n.t, func() bool { return slices.Equal(want, n.names()) }, time.Minute, 20*time.Millisecond)
	require.Equal(n.t, want, n.names())
	assert.Eventually(n.t, func() bool { return len(n.temporaries()) == 0 }, time.Minute, 20*time.Millisecond)
	require.Empty(n.t, n.temporaries(), "temporary files")
}

// temporaries are what dead runs left, but for folders that are empty: of those that died before they had a guard.
func (n *ingested) temporaries() (names []string) {
	entries, err := os.ReadDir(n.temp)
	require.NoError(n.t, err)
	for _, entry := range entries {
		if inside, err := os.ReadDir(filepath.Join(n.temp, entry.Name())); err != nil || len(inside) > 0 {
			names = append(names, entry.Name())
		}
	}
	return names
}
