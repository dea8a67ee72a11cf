package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestIdentify walks through a repository: before its first tag, at it, behind it, and with changes.
func TestIdentify(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	folder := t.TempDir()
	commit := func(date string) string {
		output(t, folder, "env", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date,
			"git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-q", "--allow-empty", "-m", date)
		return output(t, folder, "git", "rev-parse", "HEAD")[:40]
	}
	is := func(given, version, hash string) {
		t.Helper()
		id, err := identify(t.Context(), folder, given)
		require.NoError(t, err)
		assert.Equal(t, version, id.version)
		assert.Equal(t, hash, id.commit)
	}
	output(t, folder, "git", "init", "-q")
	first := commit("2026-01-02T03:04:05Z")
	is("", "0.0.0-20260102030405-"+first[:12], first)
	is("v0.2.0-rc.1", "0.2.0-rc.1", first)
	output(t, folder, "git", "tag", "nightly")
	output(t, folder, "git", "tag", "v1")
	output(t, folder, "git", "tag", "v0.9.0")
	output(t, folder, "git", "tag", "v0.10.0")
	is("", "0.10.0", first)
	second := commit("2026-01-03T03:04:05Z")
	is("", "0.10.1-0.20260103030405-"+second[:12], second)
	output(t, folder, "git", "tag", "-m", "signed or not", "v0.11.0-rc.1")
	is("", "0.11.0-rc.1", second)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "new"), nil, 0o600))
	is("", "0.11.0-rc.1.0.20260103030405-"+second[:12]+"+dirty", second+"-dirty")
	is("0.11.0", "0.11.0", second+"-dirty")

	id, err := identify(t.Context(), folder, "")
	require.NoError(t, err)
	assert.Equal(t, time.Date(2026, 1, 3, 3, 4, 5, 0, time.UTC), id.time)
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	id, err = identify(t.Context(), folder, "")
	require.NoError(t, err)
	assert.Equal(t, time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC), id.time)
	t.Setenv("SOURCE_DATE_EPOCH", "today")
	_, err = identify(t.Context(), folder, "")
	assert.ErrorContains(t, err, "SOURCE_DATE_EPOCH")
}

func TestWhatIsNoRelease(t *testing.T) {
	for _, version := range []string{"1", "1.2", "vv1.2.3", "1.2.3 ", "01.2.3", "latest", "1.2.3/..", "-X"} {
		_, err := given(version)
		assert.ErrorContains(t, err, "semver.org", version)
	}
	for _, list := range []string{"", "linux", "linux/386", "linux/amd64,", "linux/amd64,darwin", "plan9/amd64"} {
		_, err := parseSystems(list)
		assert.ErrorContains(t, err, everywhere, list)
	}
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "mine"), nil, 0o600))
	err := run(t.Context(), "../..", folder, "1.2.3", everywhere)
	assert.ErrorContains(t, err, "is not empty")
	assert.FileExists(t, filepath.Join(folder, "mine"))
}

func TestLicences(t *testing.T) {
	known, err := newLicences()
	require.NoError(t, err)
	found, err := known.ofFolder("../..")
	require.NoError(t, err)
	assert.Equal(t, []string{"Apache-2.0"}, found)
	_, err = known.ofFolder(t.TempDir())
	assert.ErrorContains(t, err, "no file")
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "LICENSE"), []byte("Ask us."), 0o600))
	_, err = known.ofFolder(folder)
	assert.ErrorContains(t, err, "no file")
}
