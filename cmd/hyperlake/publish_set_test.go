//go:build faults

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/tableau/tableautest"
)

// A process that is killed between two extracts of a set is followed by one that goes on; one
// that is killed while an extract is being appended, by one that says what to do.
func TestKilledWhilePublishingASet(t *testing.T) {
	cases := []struct {
		name  string
		fault tableautest.Fault // in which it is killed
		seen  func(requests []tableautest.Request) bool
		first string // what the next process says; it goes on without a word if there is none
		sent  int    // requests that changed the data source, in the end
	}{
		{
			"before the third", tableautest.Fault{Method: "GET", Path: "/datasources", Skip: 2, Delay: time.Minute},
			func(requests []tableautest.Request) bool { return count(requests, http.MethodGet) == 3 }, "", 3,
		},
		{
			"during the second", tableautest.Fault{Method: "POST", Path: "/datasources", Skip: 1, Delay: time.Minute},
			func(requests []tableautest.Request) bool { return count(requests, http.MethodPost) == 2 },
			"nobody knows whether extract 2 of 3 is in the data source", 5,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server, err := tableautest.Start(tableautest.Config{Folder: t.TempDir()})
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, server.Close()) })
			lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
			require.NoError(t, err)
			folder := t.TempDir()
			config := "name: orders\noutput: {merge: none}\npublish: {allow_http: true}\n" +
				"tables: [{source: {uri: '" + lake + "'}, repartition: {by: [o_orderkey], shards: 3}}]\n"
			require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
			environment := []string{"tab_site_url=" + server.URL, "tab_pat_name=" + tokenName, "tab_secret_id=" + tokenSecret}
			output, err := program(t, folder, environment, "generate", "orders.yaml").CombinedOutput()
			require.NoError(t, err, string(output))

			server.Inject(c.fault)
			killed := program(t, folder, environment, "publish", "orders.yaml")
			require.NoError(t, killed.Start())
			t.Cleanup(func() { _ = killed.Process.Kill() })
			require.Eventually(t, func() bool { return c.seen(server.Requests()) }, time.Minute, 5*time.Millisecond)
			require.NoError(t, killed.Process.Kill())
			require.Error(t, killed.Wait())

			args := []string{"publish", "orders.yaml"}
			if c.first != "" {
				output, err = program(t, folder, environment, args...).CombinedOutput()
				require.Error(t, err)
				assert.Contains(t, string(output), c.first)
				assert.Contains(t, string(output), "`hyperlake publish orders.yaml --force` sends all extracts again")
				args = append(args, "--force")
			}
			output, err = program(t, folder, environment, args...).CombinedOutput()
			require.NoError(t, err, string(output))
			assert.Equal(t, c.sent, count(server.Requests(), http.MethodPost))
			assert.Equal(t, "15000|15000", rowsOf(t, server.Datasources("")[0].Path))
		})
	}
}

// count is how many requests of a method were about data sources.
func count(requests []tableautest.Request, method string) int {
	others := slices.DeleteFunc(slices.Clone(requests), func(r tableautest.Request) bool {
		return r.Method != method || !strings.Contains(r.Path, "/datasources")
	})
	return len(others)
}

// rowsOf counts the rows and the different keys of orders.
func rowsOf(t *testing.T, path string) string {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	t.Cleanup(hyperd.Shutdown)
	require.NoError(t, conn.Attach(t.Context(), path, "x"))
	found, err := conn.QueryValue(t.Context(), `SELECT concat(count(*), '|', count(DISTINCT o_orderkey)) FROM x."Extract"."Extract"`)
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return found
}
