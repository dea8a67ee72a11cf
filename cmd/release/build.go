package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// system is an operating system and a processor, by Go's names.
type system struct{ os, arch string }

func (s system) String() string { return s.os + "/" + s.arch }

// program is the name of hyperlake there.
func (s system) program() string {
	if s.os == "windows" {
		return "hyperlake.exe"
	}
	return "hyperlake"
}

// everywhere are the systems of a whole release. hyperd exists for linux/amd64, darwin/arm64 and windows/amd64; on the others hyperlake
// does what needs none, such as checking configurations.
const everywhere = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64"

func parseSystems(list string) ([]system, error) {
	var systems []system
	for word := range strings.SplitSeq(list, ",") {
		name, arch, ok := strings.Cut(word, "/")
		if !ok || !strings.Contains(","+everywhere+",", ","+word+",") {
			return nil, fmt.Errorf("system %q: known are %s", word, everywhere)
		}
		systems = append(systems, system{name, arch})
	}
	return systems, nil
}

// build builds hyperlake for a system, into the work folder, and returns where. The same source, identity and Go give the same bytes, in
// whichever folder and on whichever machine.
func (r *release) build(ctx context.Context, target system) (string, error) {
	path := filepath.Join(r.work, target.os+"_"+target.arch, target.program())
	flags := fmt.Sprintf("-s -w -buildid= -X hyperlake/pipelines.release=%s -X hyperlake/pipelines.commit=%s", r.version, r.commit)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", path, "./cmd/hyperlake")
	cmd.Dir = r.source
	cmd.Env = append(os.Environ(), "GOOS="+target.os, "GOARCH="+target.arch, "CGO_ENABLED=0",
		"GOFLAGS=-mod=readonly", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build hyperlake for %s: %w", target, err)
	}
	return path, nil
}

// documents writes into the work folder what hyperlake itself knows to write: manual pages, scripts of completion, and the licences
// of all that is linked into it.
func (r *release) documents(ctx context.Context) error {
	program, err := r.build(ctx, system{runtime.GOOS, runtime.GOARCH})
	if err != nil {
		return err
	}
	if err := r.write(ctx, io.Discard, program, "dev", "man", filepath.Join(r.work, "man")); err != nil {
		return err
	}
	for shell, name := range completions {
		if err := r.writeFile(ctx, filepath.Join("completions", name), program, "completion", shell); err != nil {
			return err
		}
	}
	return r.writeFile(ctx, "THIRD_PARTY_NOTICES", "go", "run", "./cmd/notices")
}

// completions are the names that shells want for scripts of completion.
var completions = map[string]string{
	"bash": "hyperlake.bash", "zsh": "_hyperlake", "fish": "hyperlake.fish", "powershell": "hyperlake.ps1",
}

// writeFile has a program print what a file of the work folder is to hold.
func (r *release) writeFile(ctx context.Context, name, program string, args ...string) error {
	path := filepath.Join(r.work, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := r.write(ctx, file, program, args...); err != nil {
		return err
	}
	return file.Close()
}

func (r *release) write(ctx context.Context, w io.Writer, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = r.source
	cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix()))
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	return nil
}
