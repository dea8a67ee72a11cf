package storage_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/storage"
)

func TestCanonical(t *testing.T) {
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "")
	const its, others = "@one.dfs.core.windows.net", "@two.dfs.core.windows.net"
	for _, c := range []struct{ uri, without, with string }{
		{"az://lake/a b%20/*", "az://lake/a b%20/*", "az://lake/a b%20/*"},
		{"abfss://lake" + its + "/a b%20/*", "abfss://lake" + its + "/a b%20/*", "az://lake/a b%20/*"},
		{"abfss://lake@ONE.blob.core.windows.net", "abfss://lake" + its + "/", "az://lake/"},
		{"abfss://lake" + others + "/a//b/", "abfss://lake" + others + "/a//b/", "abfss://lake" + others + "/a//b/"},
		{"wasbs://lake@one.blob.core.windows.net/a", "abfss://lake" + its + "/a", "az://lake/a"},
		{"https://one.blob.core.windows.net/lake/a%20b%25/[ab]*", "abfss://lake" + its + "/a b%/[ab]*", "az://lake/a b%/[ab]*"},
		{"https://example.com/lake/a%20b", "https://example.com/lake/a%20b", "https://example.com/lake/a%20b"},
		{"gs://lake/a%20b", "gs://lake/a%20b", "gs://lake/a%20b"},
		{"/lake/a%20b", "/lake/a%20b", "/lake/a%20b"},
		{"", "", ""},
	} {
		t.Setenv("AZURE_STORAGE_ACCOUNT", "")
		assert.Equal(t, c.without, storage.Canonical(c.uri), c.uri)
		t.Setenv("AZURE_STORAGE_ACCOUNT", "one")
		assert.Equal(t, c.with, storage.Canonical(c.uri), c.uri)
	}
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=one;EndpointSuffix=core.chinacloudapi.cn")
	assert.Equal(t, "abfss://lake"+its+"/a", storage.Canonical("abfss://lake"+its+"/a"), "the account of that name in another cloud")
	assert.Equal(t, "az://lake/a", storage.Canonical("abfss://lake@one.dfs.core.chinacloudapi.cn/a"))
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=one;BlobEndpoint=http://127.0.0.1:10000/one")
	assert.Equal(t, "az://lake/a", storage.Canonical("abfss://lake"+its+"/a"), "an endpoint of its own is that of any cloud")
}
