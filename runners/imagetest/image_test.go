//go:build image

package imagetest_test

import (
	"bytes"
	"errors"
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

const uid = 10001 // of both images

// TestMain builds the images, which takes the network, and then has them run where there
// is none: Prism, which starts the worker, listens on all interfaces.
func TestMain(m *testing.M) {
	if prismtest.Isolated() {
		prismtest.Isolate()
		os.Exit(m.Run())
	}
	flag.Parse()
	if err := flag.Set("test.skip", "OfTheImage$"); err != nil {
		panic(err)
	}
	// A module of its own, so that ./... of this one leaves out the sources that are in images.
	err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755), os.WriteFile(filepath.Join(work, "go.mod"), []byte("module image\n"), 0o600))
	if err != nil {
		panic(err)
	}
	code := m.Run()
	if code == 0 {
		code = prismtest.RunIsolated("-test.v", "-test.run", "OfTheImage$")
	}
	_ = os.RemoveAll(work)
	os.Exit(code)
}

func TestTheImagesAreBuilt(t *testing.T) {
	stages := readDockerfile(t, filepath.Join(source, "Dockerfile"))
	assert.Equal(t, "worker", stages[len(stages)-1].name, "what is built without --target")
	built := buildImages(t, stages)
	for name, expected := range map[string]struct {
		title      string
		entrypoint string
	}{
		"run":    {"hyperlake", "/usr/local/bin/hyperlake"},
		"worker": {"hyperlake worker", "/opt/apache/beam/boot"}, // where Dataflow looks for it
	} {
		img := built[name]
		assert.Equal(t, []string{expected.entrypoint}, img.Entrypoint)
		assert.Equal(t, expected.title, img.Labels["org.opencontainers.image.title"])
		assert.Equal(t, "devel", img.Labels["org.opencontainers.image.version"])
		assert.Equal(t, "Apache-2.0", img.Labels["org.opencontainers.image.licenses"])
		assertHolds(t, img, "/etc/ssl/certs/ca-certificates.crt", "BEGIN CERTIFICATE")
		assertHolds(t, img, "/usr/share/zoneinfo/Europe/Berlin", "TZif")
		assertHolds(t, img, "/opt/hyperlake/LICENSE", "Apache License")
		assertHolds(t, img, "/opt/hyperlake/THIRD_PARTY_NOTICES", "github.com/apache/beam/sdks/v2 ")
		assertHolds(t, img, "/opt/hyperd/LICENSE", "Salesforce, Inc.")
		assertHolds(t, img, "/opt/hyperd/NOTICES.txt", "Salesforce, Inc.")
		assertHolds(t, img, "/opt/hyperd/HYPER_API_OSS_disclosure.txt", "HYPER API Open Source Software Disclosure")
		assertLeaves(t, img)
		img.keep(t, name)
	}
	assert.NoFileExists(t, built["run"].path("/opt/apache/beam/boot"))
}

// assertHolds sees to it that there is a file with a text in an image, and that everybody can read it.
func assertHolds(t *testing.T, img *image, name, text string) {
	t.Helper()
	found, err := filepath.EvalSymlinks(img.path(name))
	require.NoError(t, err)
	content, err := os.ReadFile(found)
	require.NoError(t, err)
	assert.Contains(t, string(content), text, name)
	stat, err := os.Stat(found)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o444), stat.Mode()&0o444, "%s can be read by all", name)
}

// assertLeaves sees to it that the steps left nothing in an image that only building needs, and tells its size.
func assertLeaves(t *testing.T, img *image) {
	t.Helper()
	lists, err := filepath.Glob(img.path("/var/lib/apt/lists/*"))
	require.NoError(t, err)
	assert.Empty(t, lists)
	assert.NoDirExists(t, img.path("/src"))
	assert.NoFileExists(t, img.path("/usr/bin/python3"))
	size, err := exec.Command("du", "-sm", img.Root).Output()
	require.NoError(t, err)
	t.Logf("MB, with more of Debian than docker's image has: %s", size)
}

// The sample, as compose and Kubernetes run it: as a user without rights, where only /tmp and the folder of the output
// can be written, without a network.
func TestARunOfTheImage(t *testing.T) {
	img := keptImage(t, "run")
	testdata, err := filepath.Abs(filepath.Join(source, "testdata"))
	require.NoError(t, err)
	out := t.TempDir()
	require.NoError(t, os.Chown(out, uid, uid))
	mounts := []mount{
		{testdata, "/etc/hyperlake", true},
		{out, "/work", false},
	}
	in := func(program ...string) string {
		output, err := img.readOnlyCommand(mounts, program...).CombinedOutput()
		require.NoError(t, err, "%s", output)
		return string(output)
	}
	assert.Equal(t, "10001\n", in("id", "-u"), "not root")
	assert.Regexp(t, `(?m)^\S+ / \S+ ro[, ]`, in("cat", "/proc/mounts"))
	assert.Regexp(t, `hyperd +\d+\.\d+\.\d+ \(/opt/hyperd/hyperd\)`, in(append(img.Entrypoint, "version")...))

	in(append(img.Entrypoint, "run", "/etc/hyperlake/tpch.yaml", "--set", "output.path=/work/tpch.hyper")...)
	const query = `select l_returnflag, count(*), sum(l_quantity) from "Extract"."lineitem" group by 1 order by 1`
	there := in(append(img.Entrypoint, "sql", "tpch.hyper", query, "--csv")...)
	assert.Contains(t, there, "A,")

	extract, err := os.Stat(filepath.Join(out, "tpch.hyper"))
	require.NoError(t, err)
	assert.EqualValues(t, uid, extract.Sys().(*syscall.Stat_t).Uid)
	here, err := exec.Command(img.path("/usr/local/bin/hyperlake"), "sql", filepath.Join(out, "tpch.hyper"), query, "--csv").Output()
	require.NoError(t, err)
	assert.Equal(t, string(here), there)

	stranger := *img
	stranger.User = "1001:1001" // as GitHub has it: without a name in the image
	output, err := stranger.readOnlyCommand(mounts, append(img.Entrypoint, "sql", "tpch.hyper", query, "--csv")...).Output()
	require.NoError(t, err)
	assert.Equal(t, there, string(output))
	require.Eventually(t, func() bool { return !img.inUse(t) }, 30*time.Second, 100*time.Millisecond, "the container does not end")
}

func TestAWorkerOfTheImage(t *testing.T) {
	img := keptImage(t, "worker")
	const query = `select * from "Extract"."Extract"`
	here, there := newExtract(t, img), newExtract(t, img)
	here.build(t)
	there.build(t, "--", "--endpoint="+prismtest.Start(t).Endpoint, "--environment_type=PROCESS", `--environment_config={"command":"`+containerCommand(t, img, there.environment)+`"}`,
		"--worker_binary="+img.path("/usr/local/bin/hyperlake"))
	rows := here.rows(t, query)
	assert.NotEmpty(t, rows)
	assert.Equal(t, rows, there.rows(t, query))

	options, err := os.Stat(img.path("/work/pipeline_options.json"))
	require.NoError(t, err, "boot of the image started the worker")
	assert.EqualValues(t, uid, options.Sys().(*syscall.Stat_t).Uid)
	assert.NoDirExists(t, img.path("/work/.cache"), "the image has a hyperd")
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
