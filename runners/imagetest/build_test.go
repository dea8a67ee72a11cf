//go:build image

package imagetest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	source = "../.."
	work   = source + "/out/image" // the root file systems

	// imagePath is where programs are in the base images.
	imagePath = "PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// image is what the steps of a stage have given so far.
type image struct {
	Root        string // absolute
	Environment []string
	Workdir     string
	User        string
	Entrypoint  []string

	variables map[string]string // of ARG
	labels    map[string]string
}

// keep has an image outlive the test that built it, for [keptImage].
func (img *image) keep(t *testing.T) {
	built, err := filepath.Abs(filepath.Join(work, "built"))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(built))
	require.NoError(t, os.Mkdir(built, 0o755))
	require.NoError(t, os.Rename(img.Root, filepath.Join(built, "root")))
	img.Root = filepath.Join(built, "root")
	description, err := json.Marshal(img)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(built, "image.json"), description, 0o600))
}

// keptImage is the image that an earlier test built.
func keptImage(t *testing.T) *image {
	description, err := os.ReadFile(filepath.Join(work, "built", "image.json"))
	require.NoError(t, err)
	img := &image{}
	require.NoError(t, json.Unmarshal(description, img))
	return img
}

// buildImage carries out a Dockerfile and returns the image of its last stage.
func buildImage(t *testing.T, stages []stage) *image {
	require.Zero(t, os.Getuid(), "root is needed for chroot")
	base := debian(t)
	built := map[string]*image{}
	var last *image
	for _, s := range stages {
		last = newImage(t, base, s)
		for _, step := range s.steps {
			t.Log(s.name, step.instruction, step.text)
			last.carryOut(t, step, built)
		}
		built[s.name] = last
	}
	return last
}

// debian makes the file system of debian:bookworm-slim, or takes the one of an earlier test.
func debian(t *testing.T) string {
	folder, err := filepath.Abs(filepath.Join(work, "debian"))
	require.NoError(t, err)
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	require.NoError(t, os.MkdirAll(work, 0o755))
	output, err := exec.Command("debootstrap", "--variant=minbase", "bookworm", folder+".part").CombinedOutput()
	require.NoError(t, err, "debootstrap (apt-get install debootstrap): %s", output)
	require.NoError(t, os.Rename(folder+".part", folder))
	return folder
}

// newImage copies the file system of a base image. That of Go is Debian's, with this
// machine's Go in it.
func newImage(t *testing.T, base string, s stage) *image {
	img := &image{Root: filepath.Join(filepath.Dir(base), "stage-"+s.name), Environment: []string{imagePath}, variables: map[string]string{}, labels: map[string]string{}, Workdir: "/", User: "root"}
	require.NoError(t, os.RemoveAll(img.Root))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(img.Root)) })
	run(t, "cp", "-a", base, img.Root)
	switch {
	case s.base == "debian:bookworm-slim":
	case strings.HasPrefix(s.base, "golang:") && strings.HasSuffix(s.base, "-bookworm"):
		run(t, "cp", "-a", goVariable(t, "GOROOT"), filepath.Join(img.Root, "usr/local/go"))
		img.Environment = append(img.Environment, "GOPATH=/go", "GOTOOLCHAIN=local")
	default:
		require.Fail(t, "there is no such base image here", s.base)
	}
	return img
}

// carryOut does one step.
func (img *image) carryOut(t *testing.T, s step, built map[string]*image) {
	s.text = os.Expand(s.text, func(name string) string {
		if value, ok := img.variables[name]; ok {
			return value
		}
		return "$" + name // of the shell
	})
	switch s.instruction {
	case "ARG":
		name, value, _ := strings.Cut(s.text, "=")
		img.variables[name] = value
	case "ENV":
		img.Environment = append(img.Environment, s.words()...)
	case "LABEL":
		for _, label := range s.words() {
			name, value, _ := strings.Cut(label, "=")
			img.labels[name] = value
		}
	case "WORKDIR":
		img.Workdir = s.text
		require.NoError(t, os.MkdirAll(img.path(s.text), 0o755))
	case "USER":
		img.User = s.text
	case "ENTRYPOINT":
		img.Entrypoint = s.list(t)
	case "COPY":
		img.copy(t, s, built)
	case "RUN":
		cmd := img.command(cacheMounts(t, s), "/bin/sh", "-c", s.text)
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", output)
	default:
		require.Fail(t, "this test does not know the instruction", s.instruction)
	}
}

// path is where a path of the image is on this machine.
func (img *image) path(name string) string {
	if !filepath.IsAbs(name) {
		name = filepath.Join(img.Workdir, name)
	}
	return filepath.Join(img.Root, name)
}

// copy copies one file, or the whole source without what .dockerignore names.
func (img *image) copy(t *testing.T, s step, built map[string]*image) {
	words := s.words()
	require.Len(t, words, 2)
	from, to := filepath.Join(source, words[0]), img.path(words[1])
	if stage := s.flag("from"); stage != "" {
		require.Contains(t, built, stage)
		from = built[stage].path(words[0])
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	if words[0] != "." {
		run(t, "cp", "-a", "--no-preserve=ownership", from, to)
		return
	}
	ignored, err := os.ReadFile(filepath.Join(source, ".dockerignore"))
	require.NoError(t, err)
	args := []string{"-C", source, "--anchored"}
	for _, name := range strings.Fields(string(ignored)) {
		args = append(args, "--exclude=./"+name)
	}
	archive := filepath.Join(t.TempDir(), "source.tar")
	run(t, "tar", append(args, "-cf", archive, ".")...)
	run(t, "tar", "-C", to, "--no-same-owner", "-xf", archive)
}

// cacheMounts are the folders of this machine that a step gets for its cache mounts, by
// their place in the image: nothing is fetched again that this machine has.
func cacheMounts(t *testing.T, s step) map[string]string {
	userCache, err := os.UserCacheDir()
	require.NoError(t, err)
	known := map[string]string{
		"/go/pkg/mod":            goVariable(t, "GOMODCACHE"),
		"/root/.cache/go-build":  goVariable(t, "GOCACHE"),
		"/root/.cache/hyperlake": filepath.Join(userCache, "hyperlake"),
	}
	mounts := map[string]string{}
	for _, flag := range s.flags {
		target, ok := strings.CutPrefix(flag, "--mount=type=cache,target=")
		require.True(t, ok && known[target] != "", "this test does not know %s", flag)
		mounts[target] = known[target]
	}
	return mounts
}

// inNamespace makes what a container has besides its files, and becomes the command: the
// root file system, its user, its working folder, then pairs of folders to mount up to --,
// then the environment and the command.
const inNamespace = `set -e
root=$1 user=$2 workdir=$3
shift 3
mount --rbind /dev "$root/dev"
for file in /etc/hosts /etc/resolv.conf; do
	touch "$root$file"
	mount --bind "$file" "$root$file"
done
while [ "$1" != -- ]; do
	mkdir -p "$root$2"
	mount --bind "$1" "$root$2"
	shift 2
done
shift
exec chroot --userspec="$user" "$root" /usr/bin/env -i --chdir="$workdir" "$@"`

// command runs a program in the image, as the first process of its own.
func (img *image) command(mounts map[string]string, program ...string) *exec.Cmd {
	home := "/root"
	if img.User != "root" {
		home = "/home/" + img.User
	}
	args := []string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc=" + filepath.Join(img.Root, "proc"), "/bin/sh", "-c", inNamespace, "sh", img.Root, img.User + ":", img.Workdir}
	for target, folder := range mounts {
		args = append(args, folder, target)
	}
	args = append(args, "--", "HOME="+home)
	args = append(args, img.Environment...)
	return exec.Command("unshare", append(args, program...)...)
}

func goVariable(t *testing.T, name string) string {
	output, err := exec.Command("go", "env", name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(output))
}

func run(t *testing.T, name string, args ...string) {
	output, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, output)
}
