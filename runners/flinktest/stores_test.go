//go:build flink

package flinktest_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/runtest"
)

// overheard is a way to the job server, and what passes there: pipelines, options, and what is said of jobs.
type overheard struct {
	address string

	mu     sync.Mutex
	passed bytes.Buffer
}

// Write keeps what passes.
func (o *overheard) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.passed.Write(p)
}

// bytes is what has passed.
func (o *overheard) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.passed.Bytes())
}

func overhear(t *testing.T) *overheard {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	o := &overheard{address: listener.Addr().String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", "localhost:"+port("BEAM_JOB_PORT", "8099"))
			if !assert.NoError(t, err) {
				return
			}
			for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
				go func() {
					_, _ = io.Copy(io.MultiWriter(to, o), from)
					_ = to.Close()
				}()
			}
		}
	}()
	return o
}

// onStore has a job with everything in a bucket, which this process reaches, and returns what it tells the job server.
func onStore(t *testing.T, bucket, environment string) (*job, *overheard) {
	runtest.UploadLake(t, bucket)
	o := overhear(t)
	j := newJob(t, sample, onFlink(environment)...)
	for _, set := range []string{
		"tables.0.source.uri=" + bucket + "/lake/lineitem/*.parquet", "tables.1.source.uri=" + bucket + "/lake/orders/*.parquet",
		"tables.0.rejects.path=" + bucket + "/bad", "output.path=" + bucket + "/out/x.hyper", "staging=" + bucket + "/stage",
		"runner.flink.endpoint=" + o.address,
	} {
		j.args = append(j.args, "--set", set)
	}
	j.args = append(j.args, "--log-level", "debug")
	return j, o
}

// wrote is everything that a job wrote outside its bucket, and that Flink says and logs of it.
func (j *job) wrote(t *testing.T, o *overheard) *bytes.Buffer {
	written := bytes.NewBuffer(o.bytes())
	written.Write(j.stderr.Bytes())
	report, err := os.ReadFile(filepath.Join(j.folder, "report.json"))
	require.NoError(t, err)
	written.Write(report)
	logs, err := filepath.Glob(filepath.Join(clusterFolder(t), "*.log"))
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, path := range logs {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		written.Write(text)
	}
	for _, id := range append(flinkJobs(t, "FINISHED"), flinkJobs(t, "FAILED")...) {
		for _, about := range []string{"", "/config", "/exceptions", "/accumulators"} {
			response, err := http.Get("http://localhost:" + port("FLINK_REST_PORT", "8081") + "/jobs/" + id + about)
			require.NoError(t, err)
			_, err = written.ReadFrom(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
		}
	}
	return written
}

// requireOfPrism runs a job whose extract and rejects must be those of a run without Flink and without a store.
func (j *job) requireOfPrism(t *testing.T, bucket string) {
	onPrism := newJob(t, sample)
	kept := filepath.Join(onPrism.folder, "rejects")
	onPrism.args = append(onPrism.args, "--set", "tables.0.rejects.path="+kept)
	require.Zero(t, onPrism.run(t), onPrism.stderr.String())
	require.Zero(t, j.run(t), j.stderr.String())
	require.NoError(t, os.MkdirAll(filepath.Dir(j.output()), 0o755))
	require.NoError(t, os.Rename(runtest.Fetched(t, bucket+"/out/x.hyper"), j.output()))
	for _, table := range []string{"lineitem", "orders"} {
		query := fmt.Sprintf(`select * from "Extract".%q`, table)
		assert.Equal(t, onPrism.rows(t, query), j.rows(t, query), table)
	}
	rejected := runtest.RejectRows(t, bucket+"/bad")
	require.NotEmpty(t, rejected)
	lake, err := filepath.Abs("../../testdata")
	require.NoError(t, err)
	for i, row := range rejected { // which tell where they come from
		rejected[i] = strings.ReplaceAll(row, bucket, lake)
	}
	assert.ElementsMatch(t, runtest.RejectRows(t, kept), rejected)
	assert.Zero(t, failedAttempts(t))
	for _, name := range storagetest.Names(t, bucket+"/stage") {
		assert.Contains(t, name, "/stage/hyperd/", "staging is empty")
	}
	requireCalm(t)
}

// exports are lines of shell that have whatever runs after them find nothing of a kind in its environment but this.
func exports(prefix string, environment []string) string {
	lines := fmt.Sprintf("for name in $(env | sed -n 's/^\\(%s[A-Z0-9_]*\\)=.*/\\1/p'); do unset \"$name\"; done\n", prefix)
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		lines += fmt.Sprintf("export %s='%s'\n", name, value)
	}
	return lines + `exec "$@"`
}

// Workers that TaskManagers start have the credentials of their own environment, and nothing secret travels with the job. Without any,
// the error says which variables are missing, and where.
func TestWorkersReachS3(t *testing.T) {
	server := storagetest.StartS3(t)
	for _, variable := range server.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	mend(t)
	j, o := onStore(t, server.Bucket, "process")
	j.workersBy(t, exports("AWS", server.Environment()))
	j.requireOfPrism(t, server.Bucket)
	assert.Empty(t, server.Uploads())
	written := j.wrote(t, o)
	runtest.RequireHidden(t, o.bytes(), server.Bucket, nil)
	written.Write(server.Contents())
	runtest.RequireHidden(t, written.Bytes(), server.Bucket, map[string]string{"the key": storagetest.S3SecretKey})

	refused, _ := onStore(t, server.Bucket, "process")
	refused.workersBy(t, exports("AWS", []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=" + storagetest.S3Region, "AWS_EC2_METADATA_DISABLED=true"}))
	mend(t)
	assert.Equal(t, 1, refused.run(t), refused.stderr.String())
	last := lastLine(refused)
	assert.Contains(t, last, "hyperlake: on a worker: ")
	assert.Contains(t, last, "no usable credentials for S3")
	assert.Contains(t, last, "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	assert.Contains(t, last, "; do so on the worker's machine: a worker has the environment of its TaskManager")
	requireCalm(t)
}

// A pool of workers reaches Azure by a SAS token, which the run does not have.
func TestWorkersReachAzure(t *testing.T) {
	server := storagetest.StartAzure(t)
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", server.Connection)
	connection, signature := server.ByToken("rwdlc")
	mend(t)
	startPool(t, "AZURE_STORAGE_CONNECTION_STRING="+connection)
	j, o := onStore(t, server.Bucket, "external")
	j.args = append(j.args, "--set", "runner.flink.worker_address=localhost:50000", "--set", "runner.parallelism=1") // one worker a pool
	j.requireOfPrism(t, server.Bucket)
	written := j.wrote(t, o)
	runtest.RequireHidden(t, o.bytes(), server.Bucket, nil)
	written.Write(server.Contents())
	runtest.RequireHidden(t, written.Bytes(), server.Bucket, map[string]string{"the key": storagetest.AzureKey, "the token": signature})
}
