package storagetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

// Names are the URIs of all files below a folder, sorted.
func Names(t *testing.T, uri string) []string {
	t.Helper()
	store, err := storage.For(uri)
	require.NoError(t, err)
	found, err := store.Glob(t.Context(), storage.Join(uri, "**"))
	require.NoError(t, err)
	var names []string
	for _, info := range found {
		names = append(names, info.URI)
	}
	return names
}
