//go:build stores

package main

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage/storagetest"
)

// TestSecretsOfS3AreNeverWritten looks for secret keys and session tokens in everything that runs wrote, here and into the bucket: both
// streams at level debug, and every file.
func TestSecretsOfS3AreNeverWritten(t *testing.T) {
	server := storagetest.StartS3(t)
	const wrongKey, token = "another secret key of the same kind", "FwoGZXIvYXdzEHsession-token-of-nobody"
	folder := t.TempDir()
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	config := "name: orders\ntables: [{source: {uri: '" + lake + "'}, rejects: {path: " + server.Bucket + "/bad}}]\n" +
		"output: {path: " + server.Bucket + "/out/orders.hyper}\nstaging: " + server.Bucket + "/stage\nhyperd: {log_dir: '" + folder + "'}\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
	var written bytes.Buffer
	for _, step := range []struct {
		name        string
		environment []string
		fault       storagetest.Fault
		code        int
	}{
		{"a key", nil, storagetest.Fault{On: storagetest.Write, Status: 503, Times: 2}, 0},
		{"a key and cut requests", nil, storagetest.Fault{On: storagetest.Write, Cut: true, Times: 2}, 0},
		{"a key that may not write", nil, storagetest.Fault{On: storagetest.Write, Status: 403}, 1},
		{"a wrong key", []string{"AWS_SECRET_ACCESS_KEY=" + wrongKey}, storagetest.Fault{}, 1},
		{"a token that has ended", []string{"AWS_SESSION_TOKEN=" + token},
			storagetest.Fault{On: storagetest.List, Status: 400, Code: "ExpiredToken"}, 1},
	} {
		server.Heal()
		if step.fault.On != "" {
			server.Inject(step.fault)
		}
		args := []string{"run", "orders.yaml", "--report", "report-" + strings.ReplaceAll(step.name, " ", "-") + ".json", "--log-level", "debug"}
		cmd := program(t, folder, append(server.Environment(), step.environment...), args...)
		cmd.Stdout, cmd.Stderr = &written, &written
		_ = cmd.Run() // the exit code is compared
		require.Equal(t, step.code, cmd.ProcessState.ExitCode(), "%s: %s", step.name, written.String())
	}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		written.Write(content)
		return err
	}))
	written.Write(server.Contents())
	assert.Contains(t, written.String(), server.Bucket, "what was written is looked at")
	for name, secret := range map[string]string{"the key": storagetest.S3SecretKey, "another key": wrongKey, "the token": token} {
		for _, form := range append(hidden(secret, 2), secret, url.QueryEscape(secret)) {
			assert.False(t, bytes.Contains(written.Bytes(), []byte(form)), "%s was written", name)
		}
	}
}
