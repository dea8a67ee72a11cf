package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"

	classifier "github.com/google/licenseclassifier/v2"
	"github.com/google/licenseclassifier/v2/assets"
)

// licences tells which licences, by their SPDX identifiers, the modules have that a program is built of.
type licences struct {
	texts *classifier.Classifier
}

func newLicences() (*licences, error) {
	texts, err := assets.DefaultClassifier()
	if err != nil {
		return nil, fmt.Errorf("load the texts of licences: %w", err)
	}
	return &licences{texts}, nil
}

// ofModules are the licences of each module, by its path.
func (l *licences) ofModules(ctx context.Context, modules []*debug.Module) (map[string][]string, error) {
	args := []string{"mod", "download", "-json"}
	for _, module := range modules {
		args = append(args, module.Path+"@"+module.Version)
	}
	output, err := command(ctx, os.TempDir(), "go", args...) // outside of modules, whose versions would count
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var module struct{ Path, Dir string }
		err := decoder.Decode(&module)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err == nil {
			found[module.Path], err = l.ofFolder(module.Dir)
		}
		if err != nil {
			return nil, fmt.Errorf("licence of %s: %w", module.Path, err)
		}
	}
}

// filePattern matches the files that are read for licences: those of cmd/notices.
var filePattern = regexp.MustCompile(`(?i)^(licen[cs]e|copying)[-._a-z0-9]*$`)

// ofFolder are the licences whose texts the files of a folder have; where no file is a licence, those of its README.
func (l *licences) ofFolder(folder string) ([]string, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, file := range files {
		if file.Type().IsRegular() && filepath.Ext(file.Name()) != ".go" && filePattern.MatchString(file.Name()) {
			if found, err = l.addFile(found, filepath.Join(folder, file.Name())); err != nil {
				return nil, err
			}
		}
	}
	if len(found) == 0 {
		if found, err = l.addFile(nil, filepath.Join(folder, "README.md")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no file of %s has the text of a licence that is known", folder)
	}
	return found, nil
}

func (l *licences) addFile(found []string, path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for _, match := range l.texts.Match(text).Matches {
		if match.MatchType == "License" && !slices.Contains(found, match.Name) {
			found = append(found, match.Name)
		}
	}
	return found, nil
}

// command is the output of a program; an error has what the program said.
func command(ctx context.Context, folder, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", cmd, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return output, nil
}
