// Command notices prints the licences and notices of all that is linked into hyperlake, on any of its systems: of Go, and of every
// module that it is built of. It fails where a module has no file that says its licence.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// systems are those for which there are releases.
var systems = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"}

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func write(w io.Writer) error {
	folders, err := modules()
	if err != nil {
		return err
	}
	folders["Go "+runtime.Version()] = runtime.GOROOT() //nolint:staticcheck // it runs by `go run`, on the machine that builds
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		failed = append(failed, writeModule(w, name, folders[name]))
	}
	return errors.Join(failed...)
}

// format has go list print the module of a package and its folder.
const format = "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}"

// modules are the folders of the modules of which packages are linked, by name and version.
func modules() (map[string]string, error) {
	folders := map[string]string{}
	for _, system := range systems {
		cmd := exec.Command("go", "list", "-deps", "-f", format, "./cmd/hyperlake")
		name, arch, _ := strings.Cut(system, "/")
		cmd.Env = append(os.Environ(), "GOOS="+name, "GOARCH="+arch, "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		output, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("list the packages for %s: %w", system, err)
		}
		for line := range strings.Lines(string(output)) {
			if module, folder, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				folders[module] = folder
			}
		}
	}
	return folders, nil
}

var (
	licencePattern = regexp.MustCompile(`(?i)^(licen[cs]e|copying)[-._a-z0-9]*$`)
	noticePattern  = regexp.MustCompile(`(?i)^(notice|patents|authors)[-._a-z0-9]*$`)
)

// writeModule writes what the folder of a module has of licences and notices; where no file is a licence, its README, if that has one.
func writeModule(w io.Writer, name, folder string) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	licensed := false
	for _, file := range files {
		isLicence := licencePattern.MatchString(file.Name())
		if file.Type().IsRegular() && !strings.HasSuffix(file.Name(), ".go") && (isLicence || noticePattern.MatchString(file.Name())) {
			if err := writeFile(w, name, filepath.Join(folder, file.Name())); err != nil {
				return err
			}
			licensed = licensed || isLicence
		}
	}
	if licensed {
		return nil
	}
	readme := filepath.Join(folder, "README.md")
	if text, err := os.ReadFile(readme); err != nil || !grantPattern.Match(text) {
		return fmt.Errorf("%s has no file that says its licence: %w", name, fs.ErrNotExist)
	}
	return writeFile(w, name, readme)
}

// grantPattern matches the licences that stand in READMEs.
var grantPattern = regexp.MustCompile(`Permission is hereby granted|Redistribution and use in source`)

func writeFile(w io.Writer, name, path string) error {
	text, err := os.ReadFile(path)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n%s: %s\n\n%s\n\n", strings.Repeat("=", 80), name, filepath.Base(path), bytes.TrimSpace(text))
	}
	return err
}
