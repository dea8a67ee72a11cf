package hyperd

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// binary stands for a hyperd: bytes that do not compress to nothing.
var binary = func() []byte {
	data := make([]byte, 64<<10)
	state := uint32(1)
	for i := range data {
		state = state*1664525 + 1013904223
		data[i] = byte(state >> 24)
	}
	return data
}()

// Texts of the archives.
const (
	wheelText = "tableauhyperapi-2.dist-info/LICENSE"
	npmText   = "package/LICENSE-HYPERD"
	licence   = "Apache License\n"
)

// wheel is a zip with hyperd where the wheels have it, another file before it, and a text.
func wheel(t testing.TB) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := zip.NewWriter(&buffer)
	for _, name := range []string{"tableauhyperapi/__init__.py", wheelMember} {
		member, err := w.Create(name)
		require.NoError(t, err)
		_, err = member.Write(binary)
		require.NoError(t, err)
	}
	text, err := w.Create(wheelText)
	require.NoError(t, err)
	_, err = text.Write([]byte(licence))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buffer.Bytes()
}

// npmPackage is a gzipped tar with hyperd where the npm packages have it, and a text.
func npmPackage(t testing.TB) []byte {
	t.Helper()
	var buffer bytes.Buffer
	zipped := gzip.NewWriter(&buffer)
	w := tar.NewWriter(zipped)
	for _, name := range []string{"package/package.json", npmMember} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(binary))}))
		_, err := w.Write(binary)
		require.NoError(t, err)
	}
	require.NoError(t, w.WriteHeader(&tar.Header{Name: npmText, Mode: 0o644, Size: int64(len(licence))}))
	_, err := w.Write([]byte(licence))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, zipped.Close())
	return buffer.Bytes()
}

func TestUnpack(t *testing.T) {
	archives := map[string]struct {
		name   string
		data   []byte
		member string
	}{
		"zip": {"a.whl", wheel(t), wheelMember},
		"tar": {"a.tgz", npmPackage(t), npmMember},
	}
	for kind, archive := range archives {
		t.Run(kind, func(t *testing.T) {
			size := int64(len(binary))
			tests := map[string]struct {
				data   []byte
				member string
				size   int64
				err    string // empty: none
			}{
				"whole":             {archive.data, archive.member, size, ""},
				"truncated":         {archive.data[:len(archive.data)*3/4], archive.member, size, "a."},
				"empty":             {nil, archive.member, size, "a."},
				"without member":    {archive.data, "other/hyperd", size, "other/hyperd in "},
				"a larger member":   {archive.data, archive.member, size - 1, "it does not have the expected size of 65535 bytes"},
				"a smaller member":  {archive.data, archive.member, size + 1, "it does not have the expected size of 65537 bytes"},
				"not of this kind":  {[]byte("<html>sign in</html>"), archive.member, size, "a."},
				"a folder's member": {archive.data, filepath.Dir(archive.member), size, "a."},
			}
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					path := filepath.Join(t.TempDir(), archive.name)
					require.NoError(t, os.WriteFile(path, test.data, 0o600))
					to := filepath.Join(t.TempDir(), "hyperd")
					err := unpack(t.Context(), path, test.member, test.size, to)
					if test.err != "" {
						assert.ErrorContains(t, err, test.err)
						return
					}
					require.NoError(t, err)
					assertBinary(t, to)
				})
			}
		})
	}
}

func TestUnpackText(t *testing.T) {
	for name, archive := range map[string]struct {
		name string
		data []byte
		text string
	}{
		"zip": {"a.whl", wheel(t), wheelText},
		"tar": {"a.tgz", npmPackage(t), npmText},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), archive.name)
			require.NoError(t, os.WriteFile(path, archive.data, 0o600))
			to := filepath.Join(t.TempDir(), "text")
			require.NoError(t, unpackText(t.Context(), path, archive.text, to))
			assertText(t, to)
			assert.ErrorContains(t, unpackText(t.Context(), path, "other/LICENSE", to+"2"), "other/LICENSE in ")
		})
	}
}

func TestUnpackTextRefusesWhatIsNoText(t *testing.T) {
	var buffer bytes.Buffer
	w := zip.NewWriter(&buffer)
	for name, size := range map[string]int{"most": maxText, "more": maxText + 1} {
		member, err := w.Create(name)
		require.NoError(t, err)
		_, err = member.Write(make([]byte, size))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	path := filepath.Join(t.TempDir(), "a.whl")
	require.NoError(t, os.WriteFile(path, buffer.Bytes(), 0o600))
	assert.NoError(t, unpackText(t.Context(), path, "most", filepath.Join(t.TempDir(), "most")))
	assert.ErrorContains(t, unpackText(t.Context(), path, "more", filepath.Join(t.TempDir(), "more")), "more than 1048576 bytes")
}

func assertText(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, licence, string(text))
	stat, err := os.Stat(path)
	require.NoError(t, err)
	assert.Zero(t, stat.Mode()&0o111, "a text is no program")
}

func assertBinary(t *testing.T, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(binary, got), "%s is the packed hyperd", path)
	stat, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o755), stat.Mode())
	}
}

func TestUnpackAndChecksumEndWithTheirContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.whl")
	require.NoError(t, os.WriteFile(path, wheel(t), 0o600))
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)

	assert.ErrorIs(t, unpack(ctx, path, wheelMember, int64(len(binary)), filepath.Join(t.TempDir(), "hyperd")), stop)
	_, err := checksum(ctx, path, "sha256:")
	assert.ErrorIs(t, err, stop)
}

func TestChecksum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "abc")
	require.NoError(t, os.WriteFile(path, []byte("abc"), 0o600))
	for _, want := range []string{ // the examples of FIPS 180-4
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==",
	} {
		got, err := checksum(t.Context(), path, want)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}
