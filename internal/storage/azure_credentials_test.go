//go:build stores

package storage_test

import (
	"bytes"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// clearAzure takes the account of the tests' surroundings away, and lets nothing but the environment say who the process is.
func clearAzure(t *testing.T) {
	for _, name := range []string{
		"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_KEY",
		"AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
}

func TestAzureWithoutCredentials(t *testing.T) {
	clearAzure(t)
	store := storage.NewAzure(storage.ObjectsOptions{})
	_, err := store.Glob(t.Context(), "az://lake/*.parquet")
	require.ErrorContains(t, err, "az://lake/*.parquet: which account the container is in is not known")
	assert.Contains(t, storage.Hint(err), "AZURE_STORAGE_ACCOUNT")
	assert.True(t, failure.New(failure.Source, "%w", err).Environment)

	_, err = store.Glob(t.Context(), "abfss://lake@nobody.dfs.core.windows.net/*.parquet")
	require.ErrorContains(t, err, "no usable Azure credentials")
	assert.Contains(t, storage.Hint(err), "az login")
	assert.True(t, failure.New(failure.Source, "%w", err).Environment)

	t.Setenv("AZURE_STORAGE_ACCOUNT", "nobody")
	t.Setenv("AZURE_STORAGE_KEY", "no base64 %")
	_, err = store.Glob(t.Context(), "az://lake/*.parquet")
	require.ErrorContains(t, err, "account nobody: no usable Azure credentials")
	assert.NotContains(t, err.Error(), "no base64 %")

	bucket, _ := storagetest.FakeAzure(t)
	require.NoError(t, store.Put(t.Context(), bucket+"/a", nil), "the next use finds what is set then")
}

func TestAzureWithASASToken(t *testing.T) {
	clearAzure(t)
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
	endpoint, _, _ := strings.Cut(strings.TrimPrefix(server.Connection[strings.Index(server.Connection, "BlobEndpoint="):], "BlobEndpoint="), ";")
	connection := func(token string) string {
		return "BlobEndpoint=" + endpoint + ";AccountName=" + storagetest.AzureAccount + ";SharedAccessSignature=" + token
	}
	uri := server.Bucket + "/a b/file"
	all := storage.NewAzure(storage.ObjectsOptions{
		Endpoint: connection(token(sas.AccountPermissions{Read: true, Write: true, List: true, Delete: true, Create: true})),
	})
	info := put(t, all, uri, noise(9<<20))
	found, err := all.Glob(t.Context(), server.Bucket+"/**")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.True(t, info.SameVersion(found[0]))

	var log strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	reading := token(sas.AccountPermissions{Read: true, List: true})
	reader := newAzureClientOf(connection(reading), patience)
	data, err := reader.Get(t.Context(), uri)
	require.NoError(t, err)
	assert.Len(t, data, 9<<20)
	err = reader.Put(t.Context(), uri, nil)
	require.ErrorContains(t, err, "permission denied")
	assert.Contains(t, storage.Hint(err), "SAS token")
	secret := reading[strings.Index(reading, "sig="):]
	assert.NotContains(t, err.Error(), secret)

	gone := newAzureClientOf(strings.Replace(connection(reading), endpoint, "http://127.0.0.1:1/"+storagetest.AzureAccount, 1), impatience)
	_, err = gone.Get(t.Context(), uri)
	require.ErrorContains(t, err, "did not recover")
	assert.NotContains(t, err.Error(), secret)
	assert.NotContains(t, log.String(), secret)
}

// Without any credentials, what everybody may read is read when that is asked for; a key is still used for its own account.
func TestAzurePublicContainer(t *testing.T) {
	clearAzure(t)
	server := storagetest.StartAzure(t)
	want := noise(1 << 20)
	server.CreateObject("lake/a.parquet", want)
	endpoint, _, _ := strings.Cut(server.Connection[strings.Index(server.Connection, "BlobEndpoint="):], ";")
	store := newAzureClientOf("AccountName="+storagetest.AzureAccount+";"+endpoint, patience)
	_, err := store.Glob(t.Context(), server.Bucket+"/lake/*")
	require.ErrorContains(t, err, "no usable Azure credentials")
	assert.Contains(t, storage.Hint(err), "AZURE_NO_SIGN_REQUEST=yes")

	t.Setenv("AZURE_NO_SIGN_REQUEST", "YES")
	_, err = store.Glob(t.Context(), server.Bucket+"/lake/*")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Contains(t, storage.Hint(err), "unset AZURE_NO_SIGN_REQUEST")

	server.MakePublic()
	for _, place := range []string{server.Bucket, server.Place} {
		found, err := store.Glob(t.Context(), place+"/lake/*")
		require.NoError(t, err)
		require.Len(t, found, 1)
		got, err := io.ReadAll(io.NewSectionReader(open(t, store, found[0]), 0, found[0].Size))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got))
		_, err = store.Stat(t.Context(), place+"/lake/missing")
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorIs(t, store.Put(t.Context(), place+"/lake/b", nil), fs.ErrPermission)
	}
	put(t, newAzureClientOf(server.Connection, patience), server.Bucket+"/lake/b", nil)
}

func newAzureClientOf(connection string, retry storage.Retry) *storage.Objects {
	return storage.NewAzure(storage.ObjectsOptions{Endpoint: connection, Retry: retry})
}

func TestAzureAccountOfAName(t *testing.T) {
	t.Parallel()
	store := storage.NewAzure(storage.ObjectsOptions{Endpoint: "AccountName=one;AccountKey=" + storagetest.AzureKey})
	for uri, want := range map[string]string{
		"az:///a":                            "the name of the container is missing",
		"az://lake@account/a":                "az:// has no account",
		"abfss://lake/a":                     "the account is missing",
		"abfss://lake@example.com/a":         "example.com is no account of Azure's storage",
		"https://example.com/lake/a":         "example.com is no account of Azure's storage",
		"az://La*/a":                         "other characters than a-z",
		"https://one.blob.core.windows.net/": "the name of the container is missing",
		"https://one.blob.core.windows.net/lake/a?sig=abc": "AZURE_STORAGE_SAS_TOKEN",
		"https://one.blob.core.windows.net/lake/a%2Ab":     "%2A could be part of a pattern or not",
		"https://one.blob.core.windows.net/lake/a%zz":      "invalid URL escape",
	} {
		_, err := store.Stat(t.Context(), uri)
		require.ErrorContains(t, err, want, uri)
		assert.NotContains(t, err.Error(), "abc", uri)
	}
	require.ErrorContains(t, store.Put(t.Context(), "az://lake/a/", nil), "this is a folder")
	_, err := store.Open(t.Context(), storage.Info{URI: "az://lake/a", Size: 1})
	require.ErrorContains(t, err, "version is not known")
	_, err = store.Create(t.Context(), "az://lake/a", storage.IfUnchanged(storage.Info{URI: "az://lake/a", Size: 1}))
	require.ErrorContains(t, err, "version to replace is not known")
	_, err = storage.NewAzure(storage.ObjectsOptions{Endpoint: "AccountKey=secret"}).Stat(t.Context(), "az://lake/a")
	require.ErrorContains(t, err, "names no account")
	assert.NotContains(t, err.Error(), "secret")
}
