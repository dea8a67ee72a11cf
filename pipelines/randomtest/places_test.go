package randomtest

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// What has a place of its own.
const (
	lakes   = "lake"
	stages  = "stage"
	outputs = "out"
	rejects = "rejects"
	states  = "state"
)

// kinds are all of them.
var kinds = []string{lakes, stages, outputs, rejects, states}

// places are the schemes of the object storage where things are, by their kind. What is in no place is local.
type places map[string]string

// stores are the kinds of object storage that this process can start, by their schemes.
var stores = map[string]func(testing.TB) (bucketURI string, faults *storagetest.Faults){"gs": storagetest.FakeGCS}

// buckets are the URIs of a bucket of each kind, which every case has for itself.
var buckets = map[string]string{}

// openBuckets starts object storage for the rest of the test.
func openBuckets(t testing.TB) {
	for scheme, start := range stores {
		buckets[scheme], _ = start(t)
	}
}

// emptyBuckets removes what a case has left.
func emptyBuckets(t testing.TB) {
	for _, bucket := range buckets {
		store, err := storage.For(bucket)
		require.NoError(t, err)
		for _, what := range append(slices.Clone(kinds), "drop") {
			require.NoError(t, store.RemoveAll(t.Context(), bucket+"/"+what))
		}
	}
}

// drawPlaces draws where what is of a configuration that has it.
func drawPlaces(r *dice) places {
	drawn := places{}
	if !chance(r, placed) {
		return drawn
	}
	schemes := append(slices.Sorted(maps.Keys(stores)), "")
	for _, what := range kinds {
		if scheme := pick(r, schemes...); scheme != "" {
			drawn[what] = scheme
		}
	}
	return drawn
}

// without are the places but for one.
func (p places) without(what string) places {
	fewer := maps.Clone(p)
	delete(fewer, what)
	return fewer
}

// at is a path of what has a place, below the folder of the configuration or as a URI.
func (p places) at(what, path string) string {
	if scheme := p[what]; scheme != "" {
		return buckets[scheme] + "/" + path
	}
	return path
}

// below is such a path, whatever the working folder.
func (p places) below(root, what, path string) string {
	if p[what] != "" {
		return p.at(what, path)
	}
	return filepath.Join(root, path)
}

// move moves a local folder to where it has its place.
func (p places) move(t testing.TB, root, what, path string) {
	t.Helper()
	if p[what] == "" {
		return
	}
	folder := filepath.Join(root, path)
	require.NoError(t, filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, name)
		if err == nil {
			_, err = storage.Upload(t.Context(), name, p.at(what, path)+"/"+filepath.ToSlash(relative), storage.Any())
		}
		return err
	}))
	require.NoError(t, os.RemoveAll(folder))
}

// fetch returns a local folder with the files of a folder, without those of folders in it.
func (p places) fetch(t testing.TB, root, what, path string) string {
	t.Helper()
	if p[what] == "" {
		return filepath.Join(root, path)
	}
	folder := filepath.Join(root, "fetched", path)
	for _, uri := range namesIn(t, p.at(what, path)) {
		name := strings.TrimPrefix(uri, p.at(what, path)+"/")
		if strings.Contains(name, "/") {
			continue
		}
		require.NoError(t, os.MkdirAll(folder, 0o755))
		_, err := storage.Fetch(t.Context(), uri, filepath.Join(folder, name))
		require.NoError(t, err)
	}
	return folder
}

// leftBehind are files on staging, where nothing may be resumed, and uploads that were neither completed nor aborted.
func (p places) leftBehind(t testing.TB, exit int) []string {
	t.Helper()
	var left []string
	if p[stages] != "" && exit != 3 {
		left = namesIn(t, p.at(stages, stages))
	}
	for _, bucket := range buckets {
		uploads, err := storage.FindUnfinished(t.Context(), bucket+"/")
		require.NoError(t, err)
		for _, upload := range uploads {
			left = append(left, "an upload to "+upload.URI)
		}
	}
	return left
}

// namesIn are the URIs of all files below a folder of a bucket.
func namesIn(t testing.TB, uri string) []string {
	t.Helper()
	store, err := storage.For(uri)
	require.NoError(t, err)
	found, err := store.List(t.Context(), uri)
	require.NoError(t, err)
	var names []string
	for _, info := range found {
		names = append(names, info.URI)
	}
	return names
}
