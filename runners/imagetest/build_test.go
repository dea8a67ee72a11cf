//go:build image

package imagetest_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	source = "../.."
	work   = source + "/out/image" // the root file systems of stages

	// imagePath is where programs are in the base images.
	imagePath = "PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// image is what the steps of a stage have given so far.
type image struct {
	Root        string // absolute
	Environment []string
	Workdir     string
	User        string // and its group, as in user:group
	Entrypoint  []string
	Labels      map[string]string

	variables map[string]string // of ARG
}

// keep has an image outlive the test that built it, for [keptImage].
func (img *image) keep(t *testing.T, name string) {
	folder, err := filepath.Abs(filepath.Join(work, "built", name))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(folder))
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.Rename(img.Root, filepath.Join(folder, "root")))
	img.Root = filepath.Join(folder, "root")
	description, err := json.Marshal(img)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "image.json"), description, 0o600))
}

// keptImage is the image of that name which an earlier test built.
func keptImage(t *testing.T, name string) *image {
	description, err := os.ReadFile(filepath.Join(work, "built", name, "image.json"))
	require.NoError(t, err)
	img := &image{}
	require.NoError(t, json.Unmarshal(description, img))
	return img
}

// buildImages carries out a Dockerfile and returns the images of its stages. They are gone when the test ends, unless they are kept.
func buildImages(t *testing.T, stages []stage) map[string]*image {
	require.Zero(t, os.Getuid(), "root is needed for chroot")
	built := map[string]*image{}
	for _, s := range stages {
		require.NotEmpty(t, s.name)
		img := newImage(t, s, built)
		for _, step := range s.steps {
			t.Log(s.name, step.instruction, step.text)
			img.carryOut(t, step, built)
		}
		built[s.name] = img
	}
	return built
}

// debian is the file system of debian:bookworm-slim: one that is in the user's cache, or a new one.
func debian(t *testing.T) string {
	userCache, err := os.UserCacheDir()
	require.NoError(t, err)
	folder := filepath.Join(userCache, "hyperlake", "debian-bookworm")
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(folder), 0o755))
	temp, err := os.MkdirTemp(filepath.Dir(folder), ".debian-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(temp)) })
	root := filepath.Join(temp, "root")
	output, err := exec.Command("debootstrap", "--variant=minbase", "bookworm", root).CombinedOutput()
	require.NoError(t, err, "debootstrap (apt-get install debootstrap): %s", output)
	require.NoError(t, os.Rename(root, folder))
	return folder
}

// newImage begins a stage with the image that it is based on. That of Go is Debian's, with this machine's Go in it.
func newImage(t *testing.T, s stage, built map[string]*image) *image {
	root, err := filepath.Abs(filepath.Join(work, "stage-"+s.name))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(root))
	require.NoError(t, os.MkdirAll(filepath.Dir(root), 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(root)) })
	if base, ok := built[s.base]; ok {
		run(t, "cp", "-a", base.Root, root)
		img := *base
		img.Root, img.Environment = root, slices.Clone(base.Environment)
		img.variables, img.Labels = map[string]string{}, maps.Clone(base.Labels)
		return &img
	}
	run(t, "cp", "-a", debian(t), root)
	img := &image{
		Root: root, Environment: []string{imagePath}, Workdir: "/", User: "root:root",
		Labels: map[string]string{}, variables: map[string]string{},
	}
	switch {
	case s.base == "debian:bookworm-slim":
	case strings.HasPrefix(s.base, "golang:") && strings.HasSuffix(s.base, "-bookworm"):
		run(t, "cp", "-a", goVariable(t, "GOROOT"), filepath.Join(root, "usr/local/go"))
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
			img.Labels[name] = value
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
func cacheMounts(t *testing.T, s step) (mounts []mount) {
	userCache, err := os.UserCacheDir()
	require.NoError(t, err)
	known := map[string]string{
		"/go/pkg/mod":            goVariable(t, "GOMODCACHE"),
		"/root/.cache/go-build":  goVariable(t, "GOCACHE"),
		"/root/.cache/hyperlake": filepath.Join(userCache, "hyperlake"),
	}
	for _, flag := range s.flags {
		target, ok := strings.CutPrefix(flag, "--mount=type=cache,target=")
		require.True(t, ok && known[target] != "", "this test does not know %s", flag)
		mounts = append(mounts, mount{folder: known[target], place: target})
	}
	return mounts
}

// inNamespace makes what a container has besides its files, and becomes the command: the
// root file system, rw or ro, its user, its working folder, then triples of folders to mount, their places and rw or ro, up to --,
// then the environment and the command. Where the root file system is ro, /tmp and /dev/shm are as containers have them by default.
const inNamespace = `set -e
root=$1 access=$2 user=$3 workdir=$4
shift 4
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for file in /etc/hosts /etc/resolv.conf; do
	touch "$root$file"
	mount --bind "$file" "$root$file"
done
while [ "$1" != -- ]; do
	mkdir -p "$root$2"
	mount --bind "$1" "$root$2"
	[ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
	shift 3
done
shift
if [ "$access" = ro ]; then
	mount -t tmpfs -o mode=1777,noexec,nosuid,nodev tmpfs "$root/tmp"
	mount -t tmpfs -o mode=1777,size=64m tmpfs "$root/dev/shm"
	mount -o remount,bind,ro "$root"
fi
exec setpriv --no-new-privs chroot --userspec="$user" "$root" /usr/bin/env -i --chdir="$workdir" "$@"`

// mount is a folder of this machine that a container sees.
type mount struct {
	folder, place string // here and there
	readOnly      bool
}

// command runs a program in the image, as the first process of its own.
func (img *image) command(mounts []mount, program ...string) *exec.Cmd {
	return img.start("rw", mounts, program)
}

// readOnlyCommand does so with a root file system that nobody can write, where only /tmp and mounts can be written.
func (img *image) readOnlyCommand(mounts []mount, program ...string) *exec.Cmd {
	return img.start("ro", mounts, program)
}

func (img *image) start(access string, mounts []mount, program []string) *exec.Cmd {
	args := []string{"--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", inNamespace, "sh", img.Root, access, img.User, img.Workdir}
	for _, m := range mounts {
		args = append(args, m.folder, m.place, accessOf(m))
	}
	args = append(args, "--")
	if img.User == "root:root" {
		args = append(args, "HOME=/root")
	}
	args = append(args, img.Environment...)
	return exec.Command("unshare", append(args, program...)...)
}

func accessOf(m mount) string {
	if m.readOnly {
		return "ro"
	}
	return "rw"
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
