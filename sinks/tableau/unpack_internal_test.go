package tableau

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// archived is an archive of files, of which every second argument is the content.
func archived(t *testing.T, files ...string) []byte {
	t.Helper()
	var made bytes.Buffer
	writer := zip.NewWriter(&made)
	for i := 0; i < len(files); i += 2 {
		file, err := writer.CreateHeader(&zip.FileHeader{Name: files[i], Method: zip.Store})
		require.NoError(t, err)
		_, err = io.WriteString(file, files[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
	return made.Bytes()
}

func TestUnpackExtract(t *testing.T) {
	t.Parallel()
	link := func() []byte {
		var made bytes.Buffer
		writer := zip.NewWriter(&made)
		header := &zip.FileHeader{Name: "link.hyper"}
		header.SetMode(fs.ModeSymlink | 0o777)
		file, err := writer.CreateHeader(header)
		require.NoError(t, err)
		_, err = io.WriteString(file, "/etc/passwd")
		require.NoError(t, err)
		require.NoError(t, writer.Close())
		return made.Bytes()
	}
	var many []string
	for i := range 20_000 {
		many = append(many, fmt.Sprintf("%01000d", i), "")
	}
	good := archived(t, "N.tds", "<x/>", "Data/Extracts/N.hyper", "rows")
	damaged := bytes.Replace(archived(t, "N.hyper", "rows"), []byte("rows"), []byte("rots"), 1)
	lying := archived(t, "N.hyper", string(make([]byte, 5000)))
	at := bytes.LastIndex(lying, []byte("PK\x01\x02"))
	copy(lying[at+24:], []byte{5, 0, 0, 0}) // the size that the directory tells
	for name, test := range map[string]struct {
		archive []byte
		fails   string
	}{
		"as the server packs it":      {archive: good},
		"elsewhere in the archive":    {archive: archived(t, "x.HYPER", "rows", "Data/", "")},
		"outside of the folder":       {archive: archived(t, "../../../x.hyper", "rows")},
		"an absolute name":            {archive: archived(t, "/etc/x.hyper", "rows")},
		"no extract":                  {archived(t, "N.tds", "<x/>"), "it has no extract"},
		"a folder of that name":       {archived(t, "x.hyper/", ""), "it has no extract"},
		"a link":                      {link(), "it has no extract"},
		"two extracts":                {archived(t, "a.hyper", "1", "b.hyper", "2"), "it has 2 extracts"},
		"too large":                   {archived(t, "a.hyper", string(make([]byte, 101))), "its extract has 101 bytes, more than 100"},
		"larger than it says":         {lying, "not a valid zip file"},
		"damaged":                     {damaged, "checksum error"},
		"cut off":                     {good[:len(good)-30], "it is no archive that can be read"},
		"a list of files without end": {archived(t, many...), "its list of files is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(t.TempDir(), "a.tdsx")
			require.NoError(t, os.WriteFile(path, test.archive, 0o600))
			made, err := unpackExtract(t.Context(), path, folder, 100)
			left, listErr := os.ReadDir(folder)
			require.NoError(t, listErr)
			if test.fails != "" {
				require.ErrorContains(t, err, test.fails)
				assert.Empty(t, left)
				return
			}
			require.NoError(t, err)
			require.Len(t, left, 1)
			assert.Equal(t, filepath.Join(folder, left[0].Name()), made)
			content, err := os.ReadFile(made)
			require.NoError(t, err)
			assert.Equal(t, "rows", string(content))
		})
	}
}

func TestUnpackingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(t.TempDir(), "a.tdsx")
	require.NoError(t, os.WriteFile(path, archived(t, "a.hyper", "rows"), 0o600))
	ended, end := context.WithCancel(t.Context())
	end()
	_, err := unpackExtract(ended, path, folder, 100)
	require.ErrorIs(t, err, context.Canceled)
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}
