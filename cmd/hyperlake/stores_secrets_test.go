//go:build stores

package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/runtest"
)

// TestSecretsOfAzureAreNeverWritten looks for keys and SAS tokens in everything that runs wrote, here and into the container: both streams at
// level debug, and every file.
func TestSecretsOfAzureAreNeverWritten(t *testing.T) {
	server := storagetest.StartAzure(t)
	byToken, signature := server.ByToken("rwdlc")
	reading, readingSignature := server.ByToken("rl")
	const otherKey = "b3RoZXIga2V5LCB3aGljaCBpcyB3cm9uZywgYnV0IGhhcyBhcyBtYW55IGNoYXJhY3RlcnMuLi4="
	wrong := strings.Replace(server.Connection, storagetest.AzureKey, otherKey, 1)

	folder := t.TempDir()
	storedConfig(t, folder, server.Bucket, server.Place+"/stage")
	var written bytes.Buffer
	for _, step := range []struct {
		name, connection string
		fault            storagetest.Fault
		code             int
	}{
		{"a key", server.Connection, storagetest.Fault{On: storagetest.Write, Status: 503, Times: 2}, 0},
		{"a SAS token", byToken, storagetest.Fault{On: storagetest.Write, Cut: true, Times: 2}, 0},
		{"a SAS token that may not write", reading, storagetest.Fault{}, 1},
		{"a wrong key", wrong, storagetest.Fault{}, 1},
	} {
		server.Heal()
		if step.fault.On != "" {
			server.Inject(step.fault)
		}
		runStored(t, folder, step.name, []string{"AZURE_STORAGE_CONNECTION_STRING=" + step.connection}, step.code, &written)
	}
	written.Write(server.Contents())
	requireHidden(t, folder, server.Container, &written, map[string]string{
		"the key": storagetest.AzureKey, "another key": otherKey, "a signature": signature, "another signature": readingSignature,
	})
}

// storedConfig writes a configuration with everything but the lake in a bucket, and the log of hyperd in a folder.
func storedConfig(t *testing.T, folder, bucket, staging string) {
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	config := "name: orders\ntables: [{source: {uri: '" + lake + "'}, rejects: {path: " + bucket + "/bad}}]\n" +
		"output: {path: " + bucket + "/out/orders.hyper}\nstaging: " + staging + "\nhyperd: {log_dir: '" + folder + "'}\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
}

// runStored runs the configuration of storedConfig, and adds to written what it says at level debug.
func runStored(t *testing.T, folder, name string, environment []string, code int, written *bytes.Buffer) {
	args := []string{"run", "orders.yaml", "--report", "report-" + strings.ReplaceAll(name, " ", "-") + ".json", "--log-level", "debug"}
	cmd := program(t, folder, environment, args...)
	cmd.Stdout, cmd.Stderr = written, written
	_ = cmd.Run() // the exit code is compared
	require.Equal(t, code, cmd.ProcessState.ExitCode(), "%s: %s", name, written.String())
}

// requireHidden looks for secrets, in whatever form, in what was written and in all files of a folder. place is what has to be there.
func requireHidden(t *testing.T, folder, place string, written *bytes.Buffer, secrets map[string]string) {
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		written.Write(content)
		return err
	}))
	runtest.RequireHidden(t, written.Bytes(), place, secrets)
}
