//go:build image

package imagetest_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/runners/prismtest"
)

const workerUID = 10001

// TestMain builds the image, which takes the network, and then has a worker run in it where there
// is none: Prism, which starts the worker, listens on all interfaces.
func TestMain(m *testing.M) {
	if prismtest.Isolated() {
		prismtest.Isolate()
		os.Exit(m.Run())
	}
	flag.Parse()
	if err := flag.Set("test.skip", "^TestAWorker"); err != nil {
		panic(err)
	}
	code := m.Run()
	if code == 0 {
		code = prismtest.RunIsolated("-test.v", "-test.run", "^TestAWorker")
	}
	_ = os.RemoveAll(filepath.Join(work, "built"))
	os.Exit(code)
}

func TestTheImageIsBuilt(t *testing.T) {
	img := buildImage(t, readDockerfile(t, filepath.Join(source, "Dockerfile")))
	assert.Equal(t, []string{"/opt/apache/beam/boot"}, img.Entrypoint, "where Dataflow looks for it")
	assert.Equal(t, "devel", img.labels["org.opencontainers.image.version"])
	assert.Equal(t, "hyperlake worker", img.labels["org.opencontainers.image.title"])
	certificates, err := os.ReadFile(img.path("/etc/ssl/certs/ca-certificates.crt"))
	require.NoError(t, err)
	assert.Contains(t, string(certificates), "BEGIN CERTIFICATE")

	output, err := img.command(nil, "id", "-u").CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Equal(t, "10001\n", string(output), "not root")
	output, err = img.command(nil, "hyperlake", "version").CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Regexp(t, `hyperd +\d+\.\d+\.\d+ \(/opt/hyperd/hyperd\)`, string(output))

	img.keep(t)
}

func TestAWorkerOfTheImage(t *testing.T) {
	img := keptImage(t)
	const query = `select * from "Extract"."Extract"`
	here, there := newExtract(t, img), newExtract(t, img)
	here.build(t)
	there.build(t, "--", "--endpoint="+prismtest.Start(t).Endpoint, "--environment_type=PROCESS", `--environment_config={"command":"`+containerCommand(t, img, there.environment)+`"}`,
		"--worker_binary="+img.path("/usr/local/bin/hyperlake"))
	rows := here.rows(t, query)
	assert.NotEmpty(t, rows)
	assert.Equal(t, rows, there.rows(t, query))

	options, err := os.Stat(img.path("/home/hyperlake/pipeline_options.json"))
	require.NoError(t, err, "boot of the image started the worker")
	assert.EqualValues(t, workerUID, options.Sys().(*syscall.Stat_t).Uid)
	assert.NoDirExists(t, img.path("/home/hyperlake/.cache"), "the image has a hyperd")
	assert.NotEmpty(t, there.staged(t), "which the driver cannot know")
	require.Eventually(t, func() bool { return !img.inUse(t) }, time.Minute, 100*time.Millisecond, "the container does not end")
}

// extract is one that a run builds from a lake in a bucket, with staging there.
type extract struct {
	program     string
	folder      string
	bucket      string
	environment string // that leads to the bucket
}

func newExtract(t *testing.T, img *image) extract {
	server := storagetest.StartGCS(t)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	lake, err := filepath.Glob(filepath.Join(source, "testdata/lake/lineitem/*.parquet"))
	require.NoError(t, err)
	require.NotEmpty(t, lake)
	store := storage.NewGCS(storage.ObjectsOptions{})
	for _, name := range lake {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, store.Put(t.Context(), storage.Join(server.Bucket, "lake", filepath.Base(name)), data))
	}
	return extract{img.path("/usr/local/bin/hyperlake"), t.TempDir(), server.Bucket, "STORAGE_EMULATOR_HOST=" + server.URL}
}

func (e extract) output() string { return filepath.Join(e.folder, "x.hyper") }

// build runs the program of the image on this machine, as the driver.
func (e extract) build(t *testing.T, args ...string) {
	config := filepath.Join(e.folder, "x.yaml")
	require.NoError(t, os.WriteFile(config, []byte("name: x\nvalidate: {engine: go}\nstaging: "+e.bucket+"/staging\ntables: [{source: {uri: '"+e.bucket+"/lake/*.parquet'}}]\n"), 0o644))
	cmd := exec.Command(e.program, append([]string{"generate", config}, args...)...)
	cmd.Env = append(os.Environ(), e.environment)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

// rows are what a query on the extract gives, in an order that depends on them alone.
func (e extract) rows(t *testing.T, query string) []string {
	output, err := exec.Command(e.program, "sql", e.output(), query, "--csv").Output()
	require.NoError(t, err)
	lines := strings.Split(string(output), "\n")
	slices.Sort(lines)
	return lines
}

// staged are the hyperds on staging.
func (e extract) staged(t *testing.T) []storage.Info {
	_, url, _ := strings.Cut(e.environment, "=")
	t.Setenv("STORAGE_EMULATOR_HOST", url)
	found, err := storage.NewGCS(storage.ObjectsOptions{}).Glob(t.Context(), e.bucket+"/staging/hyperd/**")
	require.NoError(t, err)
	return found
}

// containerCommand writes a script that does what a daemon does for the environment docker:
// it runs the entrypoint, with more arguments, in the image. Prism puts quotes around one of
// them, which a shell has to take away.
func containerCommand(t *testing.T, img *image, environment string) string {
	var script bytes.Buffer
	script.WriteString("#!/bin/sh\nfor arg; do shift; set -- \"$@\" \"$(echo \"$arg\" | tr -d \"'\")\"; done\nexec")
	program := append([]string{environment}, img.Entrypoint...)
	for _, arg := range img.command(nil, program...).Args {
		require.NotContains(t, arg, "'")
		script.WriteString(" '" + arg + "'")
	}
	script.WriteString(" \"$@\"\n")
	path := filepath.Join(t.TempDir(), "container.sh")
	require.NoError(t, os.WriteFile(path, script.Bytes(), 0o755))
	return path
}

// inUse says whether a process runs in the file system of the image.
func (img *image) inUse(t *testing.T) bool {
	roots, err := filepath.Glob("/proc/[0-9]*/root")
	require.NoError(t, err)
	for _, link := range roots {
		if root, err := os.Readlink(link); err == nil && root == img.Root {
			return true
		}
	}
	return false
}
