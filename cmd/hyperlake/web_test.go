package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage/storagetest"
)

// Every command that reads a lake reads single files of a web server, in trouble, too; a night on which they are the same is skipped.
func TestFilesOfAWebServer(t *testing.T) {
	server := storagetest.StartWeb(t)
	local := must(filepath.Abs("../../testdata/lake/orders/orders.1.parquet"))
	server.CreateObject("open/orders 1.parquet", must(os.ReadFile(local)))
	uri := server.URL + "/open/orders%201.parquet"
	folder := t.TempDir()
	ends := func(code int, args ...string) (stdout, stderr string) {
		cmd, printed, said := program(t, folder, []string{"SSL_CERT_FILE=" + server.Certificate}, args...), &bytes.Buffer{}, &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = printed, said
		_ = cmd.Run() // the exit code is compared
		require.Equal(t, code, cmd.ProcessState.ExitCode(), said)
		return printed.String(), said.String()
	}
	stdout, _ := ends(0, "inspect", uri)
	assert.Contains(t, stdout, "15,000 rows")
	ends(0, "init", uri, "-o", "orders.yaml")
	text := must(os.ReadFile(filepath.Join(folder, "orders.yaml")))
	require.Contains(t, string(text), uri)
	stdout, _ = ends(0, "plan", "orders.yaml")
	assert.Contains(t, stdout, "15,000 rows")
	stdout, _ = ends(0, "doctor", "orders.yaml")
	assert.Contains(t, stdout, "can be read (15,000 rows)")

	for _, fault := range []storagetest.Fault{
		{On: storagetest.Stat, Times: 1, Status: 503}, {On: storagetest.Read, Times: 1, Status: 503}, {On: storagetest.Read, Times: 1, Skip: 2, Cut: true, After: 9000},
	} {
		server.Inject(fault)
	}
	rules := []string{"--set", "tables.0.rules=[{column: o_totalprice, max: 300000}]", "--set", "refresh.mode=changed"}
	night := func(code int, more ...string) (status, stderr string) {
		var report struct{ Status string }
		stdout, stderr := ends(code, append(append([]string{"generate", "orders.yaml", "--json"}, rules...), more...)...)
		require.NoError(t, json.Unmarshal([]byte(stdout), &report))
		return report.Status, stderr
	}
	status, _ := night(0, "--set", "output.path=web.hyper")
	assert.Equal(t, "succeeded", status)
	asked, reads := server.Count(storagetest.Stat), server.Count(storagetest.Read)
	status, _ = night(0, "--set", "output.path=web.hyper")
	assert.Equal(t, "unchanged", status)
	assert.Equal(t, 3, server.Count(storagetest.Stat)-asked)
	assert.Equal(t, reads, server.Count(storagetest.Read), "no byte of it is read again")
	night(0, "--set", "output.path=local.hyper", "--set", "tables.0.source.uri="+local)
	ends(0, "diff", "web.hyper", "local.hyper")

	server.CreateObject("open/orders 1.parquet", must(os.ReadFile(local))) // with another ETag
	asked = server.Count(storagetest.Stat)
	status, _ = night(0, "--set", "output.path=web.hyper")
	assert.Equal(t, "succeeded", status)
	assert.Equal(t, 3, server.Count(storagetest.Stat)-asked)
	reads = server.Count(storagetest.Read)
	ends(0, "generate", "orders.yaml", "--set", "output.path=plain.hyper")
	assert.Equal(t, 2, server.Count(storagetest.Read)-reads, "of the footer, and of all")
	server.CreateObject("open/orders 1.parquet", must(os.ReadFile(local)))
	server.Inject(storagetest.Fault{On: storagetest.Read, Skip: 1, Times: 1, Before: func() {
		server.CreateObject("open/orders 1.parquet", must(os.ReadFile("../../testdata/lake/lineitem/lineitem.1.parquet")))
	}})
	before := must(os.ReadFile(filepath.Join(folder, "web.hyper")))
	_, stderr := night(1, "--set", "output.path=web.hyper", "--set", "runner.retries=0")
	assert.Contains(t, stderr, "the file changed after it was listed")
	assert.Equal(t, before, must(os.ReadFile(filepath.Join(folder, "web.hyper"))))

	for _, args := range [][]string{
		{"inspect", uri + "?signature=s3cr3t"}, {"init", uri + "?signature=s3cr3t"}, {"inspect", strings.Replace(uri, "://", "://me:s3cr3t@", 1)},
		{"plan", "orders.yaml", "--set", "tables.0.source.uri=" + uri + "?signature=s3cr3t"}, {"inspect", server.URL + "/open/*.parquet"},
		{"plan", "orders.yaml", "--set", "output.path=" + server.URL + "/x.hyper"}, {"inspect", server.URL + "/open/"},
	} {
		stdout, stderr := ends(2, args...)
		assert.NotContains(t, stdout+stderr, "s3cr3t", args)
		assert.Contains(t, stderr, "https", args)
	}
	_, stderr = ends(2, "inspect", server.URL+"/missing.parquet")
	assert.Contains(t, stderr, "there is no file or folder")
	server.Inject(storagetest.Fault{On: storagetest.Stat, Status: 403})
	_, stderr = ends(1, "inspect", uri)
	assert.Contains(t, stderr, "no credentials are sent to web servers")
}
