package hyperd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"

	"hyperlake/internal/environment"
	"hyperlake/internal/failure"
)

// pathVariable is the environment variable that names the hyperd to use.
const pathVariable = "HYPERD_PATH"

const installHint = "run `hyperlake hyperd install`, or point hyperd.path or " + pathVariable + " at a hyperd that you have"

// Find returns the absolute path of the hyperd to run: path (hyperd.path of the
// configuration) if it is not empty, else HYPERD_PATH, else the one that [Install] put
// into the user's cache, else the one on PATH. The first two name the binary or its
// folder; when one of them is set and wrong, that is an error and nothing else is tried. Errors
// are of kind Hyperd.
func Find(path string) (string, error) { return find(path, releases[platform()]) }

func find(path string, pinned []release) (string, error) {
	if path != "" {
		return findGiven("hyperd.path", path)
	}
	if path := os.Getenv(pathVariable); path != "" {
		return findGiven(pathVariable, path)
	}
	cache, err := cacheFolder()
	if err != nil {
		cache = err.Error()
	} else if r, ok := installedIn(cache, pinned); ok {
		return r.path(cache), nil
	}
	if found, err := exec.LookPath("hyperd"); err == nil {
		return filepath.Abs(found)
	}
	return "", failure.New(failure.Hyperd, "hyperd was not found: neither hyperd.path nor %s is set, "+
		"none is installed in the user's cache (%s), and there is none on PATH", pathVariable, cache).
		WithHint(installHint)
}

// findGiven finds hyperd where source says that it is.
func findGiven(source, path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", failure.New(failure.Hyperd, "%s: %w", source, err)
	}
	binary := path
	if stat, err := os.Stat(path); err == nil && stat.IsDir() {
		binary = filepath.Join(path, binaryName())
	}
	if err := executable(binary); err != nil {
		return "", failure.New(failure.Hyperd, "%s leads to no hyperd: %w", source, err).
			WithHint("set %s to the hyperd binary or its folder, or leave it out and run `hyperlake hyperd install`", source)
	}
	return binary, nil
}

// installedIn returns the first of the pinned releases that is in the cache folder, whole.
func installedIn(cache string, pinned []release) (release, bool) {
	for _, r := range pinned {
		if r.isIn(cache) {
			return r, true
		}
	}
	return release{}, false
}

// isIn says whether the hyperd of a release is in the cache folder, whole.
func (r release) isIn(cache string) bool {
	stat, err := os.Stat(r.path(cache))
	return err == nil && stat.Size() == r.size && executable(r.path(cache)) == nil
}

// textsAreIn says whether the texts of a release are in the cache folder. Those who only run its hyperd need none.
func (r release) textsAreIn(cache string) bool {
	for _, text := range r.texts {
		if _, err := os.Stat(r.textPath(cache, text)); err != nil {
			return false
		}
	}
	return true
}

// executable says why path cannot be run, nil if it looks as if it could.
func executable(path string) error {
	stat, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !stat.Mode().IsRegular():
		return fmt.Errorf("%s is not a file", path)
	case runtime.GOOS != "windows" && stat.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable", path)
	default:
		return nil
	}
}

func binaryName() string {
	if runtime.GOOS == "windows" {
		return "hyperd.exe"
	}
	return "hyperd"
}

// cacheFolder is where installed hyperds live, each in a folder named for its version.
func cacheFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "hyperlake", "hyperd"), nil
}

var versionPattern = regexp.MustCompile(`Hyper version \S*?(\d+\.\d+\.\d+)\.r\w+`)

// Version is that of the hyperd at path, such as 0.0.26963: known of one that [Install] put into the
// user's cache, which was verified then, and asked of any other. A program that does not run, or is no hyperd,
// is an error of kind Hyperd.
func Version(ctx context.Context, path string) (string, error) {
	if cache, err := cacheFolder(); err == nil {
		if r, ok := installedIn(cache, releases[platform()]); ok && r.path(cache) == path {
			return r.hyperd, nil
		}
	}
	return askVersion(ctx, path)
}

func askVersion(ctx context.Context, path string) (string, error) {
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = environment.ForPrograms()
	output, err := cmd.Output()
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s --version: %w", path, context.Cause(ctx))
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return "", failure.New(failure.Hyperd, "%s --version: %w: %s", path, err, lastLines(exit.Stderr)).WithHint(installHint)
	}
	if err != nil {
		return "", failure.New(failure.Hyperd, "%s --version: %w", path, err).WithHint(installHint)
	}
	found := versionPattern.FindSubmatch(output)
	if found == nil {
		return "", failure.New(failure.Hyperd, "%s --version printed %q: this is no hyperd", path, lastLines(output)).WithHint(installHint)
	}
	return string(found[1]), nil
}
