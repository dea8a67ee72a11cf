package iceberg_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/iceberg"
)

const secret = "s3cr3t-t0ken"

// catalogOf serves answers by the paths and queries of requests, to those who have the token.
func catalogOf(t *testing.T, answers map[string]string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		answer, ok := answers[r.URL.EscapedPath()+"?"+r.URL.RawQuery]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestTablesOfACatalog(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	m.List("list.avro", m.Manifest("m.avro", data, m.Added("a.parquet", nil)))
	m.Metadata("00001-x.metadata.json", nil)
	m.Metadata("00002-orphan.metadata.json", object{"snapshots": "damaged"})
	table := fmt.Sprintf(`{"metadata-location": "file://%s/metadata/00001-x.metadata.json", "metadata": {"any": [1]}, "config": {"token": "other"}}`, m.Folder)
	for name, c := range map[string]struct {
		table, warehouse string
		answers          map[string]string
	}{
		"plain": {"n.t", "", map[string]string{"/api/v1/config?": `{"defaults":{},"overrides":{}}`, "/api/v1/namespaces/n/tables/t?snapshots=refs": table}},
		"with a prefix": {"n.t", "w/1", map[string]string{
			"/api/v1/config?warehouse=w%2F1": `{"defaults":{"prefix":"no"},"overrides":{"prefix":"a b/c"}}`, "/api/v1/a%20b/c/namespaces/n/tables/t?snapshots=refs": table,
		}},
		"with namespaces": {"a.ü/.t", "", map[string]string{"/api/v1/config?": `{}`, "/api/v1/namespaces/a%1F%C3%BC%2F/tables/t?snapshots=refs": table}},
	} {
		server := catalogOf(t, c.answers)
		catalog := iceberg.Catalog{URI: server.URL + "/api/", Table: c.table, Warehouse: c.warehouse, Token: secret}
		place, err := catalog.Locate(t.Context())
		require.NoError(t, err, name)
		snapshot, err := iceberg.Open(t.Context(), place, iceberg.Latest())
		require.NoError(t, err, name)
		assert.Len(t, filesOf(t, snapshot), 1, name)
		assert.Equal(t, m.Folder, snapshot.Folder, name)
	}
}

func TestCatalogsThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	elsewhere := catalogOf(t, map[string]string{"/v1/config?": `{}`})
	redirects := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/v1/config", http.StatusFound))
	t.Cleanup(redirects.Close)
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(down.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	good := catalogOf(t, map[string]string{
		"/v1/config?": `{}`, "/v1/namespaces/n/tables/none?snapshots=refs": `{}`, "/v1/namespaces/n/tables/odd?snapshots=refs": `{"metadata-location":"/etc/passwd"}`,
		"/v1/namespaces/n/tables/bad?snapshots=refs": `<html>`,
	})
	for name, c := range map[string]struct {
		uri, table, token string
		want              string
		retry             bool
	}{
		"no namespace":     {good.URL, "t", secret, "has no namespace", false},
		"an empty name":    {good.URL, "n..t", secret, "has no namespace", false},
		"no URI":           {"catalog", "n.t", secret, "its URI is none that can be asked", false},
		"no URI at all":    {"http://a b", "n.t", secret, "its URI is none", false},
		"no table":         {good.URL, "n.t", secret, "404 Not Found when asked for n.t", false},
		"no token":         {good.URL, "n.t", "", "403 Forbidden", false},
		"no location":      {good.URL, "n.none", secret, `is "", which is none`, false},
		"another file":     {good.URL, "n.odd", secret, `is "/etc/passwd", which is none`, false},
		"no JSON":          {good.URL, "n.bad", secret, "no JSON", false},
		"another host":     {redirects.URL, "n.t", secret, "sends us to another host", false},
		"down":             {down.URL, "n.t", secret, "502 Bad Gateway", true},
		"gone":             {gone.URL, "n.t", secret, "refused", true},
		"a password in it": {"http://me:" + secret + "@127.0.0.1:1/?token=" + secret, "n.t", "", "the catalog http://127.0.0.1:1/", true},
	} {
		_, err := iceberg.Catalog{URI: c.uri, Table: c.table, Token: c.token}.Locate(t.Context())
		failed := failureOf(t, err)
		assert.Contains(t, failed.Message, c.want, name)
		assert.Equal(t, c.retry, failed.Retry, name)
		assert.True(t, failed.Early, name)
		assert.NotContains(t, failed.Sentence(), secret, name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := iceberg.Catalog{URI: good.URL, Table: "n.t", Token: secret}.Locate(ctx)
	assert.Equal(t, context.Canceled, err)
}
