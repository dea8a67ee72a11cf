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
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage/storagetest"
)

// TestSecretsOfAzureAreNeverWritten looks for keys and SAS tokens in everything that runs wrote, here and into the container: both streams at
// level debug, and every file.
func TestSecretsOfAzureAreNeverWritten(t *testing.T) {
	server := storagetest.StartAzure(t)
	key, err := blob.NewSharedKeyCredential(storagetest.AzureAccount, storagetest.AzureKey)
	require.NoError(t, err)
	token := func(permissions sas.AccountPermissions) string {
		values, err := sas.AccountSignatureValues{
			ExpiryTime: time.Now().Add(time.Hour), Permissions: permissions.String(),
			ResourceTypes: new(sas.AccountResourceTypes{Container: true, Object: true}).String(),
		}.SignWithSharedKey(key)
		require.NoError(t, err)
		return values.Encode()
	}
	all := token(sas.AccountPermissions{Read: true, Write: true, List: true, Delete: true, Create: true})
	reading := token(sas.AccountPermissions{Read: true, List: true})
	before, _, _ := strings.Cut(server.Connection, "AccountKey=")
	_, endpoint, _ := strings.Cut(server.Connection, "BlobEndpoint=")
	withToken := func(token string) string {
		return before + "SharedAccessSignature=" + token + ";BlobEndpoint=" + endpoint
	}
	const otherKey = "b3RoZXIga2V5LCB3aGljaCBpcyB3cm9uZywgYnV0IGhhcyBhcyBtYW55IGNoYXJhY3RlcnMuLi4="
	wrong := strings.Replace(server.Connection, storagetest.AzureKey, otherKey, 1)

	folder := t.TempDir()
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	config := "name: orders\ntables: [{source: {uri: '" + lake + "'}, rejects: {path: " + server.Bucket + "/bad}}]\n" +
		"output: {path: " + server.Bucket + "/out/orders.hyper}\nstaging: " + server.Place + "/stage\nhyperd: {log_dir: '" + folder + "'}\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
	var written bytes.Buffer
	for _, step := range []struct {
		name, connection string
		fault            storagetest.Fault
		code             int
	}{
		{"a key", server.Connection, storagetest.Fault{On: storagetest.Write, Status: 503, Times: 2}, 0},
		{"a SAS token", withToken(all), storagetest.Fault{On: storagetest.Write, Cut: true, Times: 2}, 0},
		{"a SAS token that may not write", withToken(reading), storagetest.Fault{}, 1},
		{"a wrong key", wrong, storagetest.Fault{}, 1},
	} {
		server.Heal()
		if step.fault.On != "" {
			server.Inject(step.fault)
		}
		args := []string{"run", "orders.yaml", "--report", "report-" + strings.ReplaceAll(step.name, " ", "-") + ".json", "--log-level", "debug"}
		cmd := program(t, folder, []string{"AZURE_STORAGE_CONNECTION_STRING=" + step.connection}, args...)
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
	assert.Contains(t, written.String(), server.Container, "what was written is looked at")
	for name, secret := range map[string]string{
		"the key": storagetest.AzureKey, "another key": otherKey, "a signature": signatureIn(t, all), "another signature": signatureIn(t, reading),
	} {
		for _, form := range append(hidden(secret, 2), secret, url.QueryEscape(secret)) {
			assert.False(t, bytes.Contains(written.Bytes(), []byte(form)), "%s was written", name)
		}
	}
}

// signatureIn is what is secret of a SAS token.
func signatureIn(t *testing.T, token string) string {
	values, err := url.ParseQuery(token)
	require.NoError(t, err)
	require.NotEmpty(t, values.Get("sig"))
	return values.Get("sig")
}
