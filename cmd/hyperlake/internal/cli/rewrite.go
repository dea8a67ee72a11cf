package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/pipelines/output"
)

// newFile is a .hyper file that a command made of others.
type newFile struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// rewriteHyper has build make a .hyper file of others, at a path that it is given, and puts
// it into place at output. The name of what it does is for people.
func (a *app) rewriteHyper(
	ctx context.Context, name string, inputs []string, out string, build func(lease *hyperd.Lease, path string) error,
) (newFile, error) {
	if err := checkInputs(inputs); err != nil {
		return newFile{}, err
	}
	if err := checkOutput(inputs, out); err != nil {
		return newFile{}, err
	}
	lease, err := during(a, "start hyperd", "", func() (*hyperd.Lease, error) { return hyperd.Acquire(ctx, hyperd.Config{}) })
	if err != nil {
		return newFile{}, err
	}
	defer lease.Release()
	made := newFile{Path: out}
	err = output.Place(ctx, out, func(folder string) (string, error) {
		path := filepath.Join(folder, "new.hyper")
		if _, err := during(a, name, path, func() (none struct{}, err error) { return none, build(lease, path) }); err != nil {
			return "", err
		}
		stat, err := os.Stat(path)
		if err != nil {
			return "", failure.New(failure.Storage, "%w", err)
		}
		made.Bytes = stat.Size()
		return path, nil
	})
	if err != nil {
		return newFile{}, explainHyperd(err, inputs[0])
	}
	return made, nil
}

// checkInputs says what is wrong with files before hyperd is started for them. One that is
// named twice is a mistake: its rows would be there twice.
func checkInputs(inputs []string) error {
	var seen []os.FileInfo
	for _, path := range inputs {
		if err := checkLocal(path); err != nil {
			return err
		}
		if err := checkHyperFile(path); err != nil {
			return err
		}
		stat, err := os.Stat(path)
		if err != nil {
			return failure.New(failure.Storage, "%w", err)
		}
		for i, other := range seen {
			if os.SameFile(stat, other) {
				return failure.New(failure.Usage, "%s and %s are the same file", inputs[i], path).
					WithHint("name every file once")
			}
		}
		seen = append(seen, stat)
	}
	return nil
}

// checkOutput refuses an output that is a folder or one of the inputs.
func checkOutput(inputs []string, output string) error {
	if err := checkLocal(output); err != nil {
		return err
	}
	stat, err := os.Stat(output)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return failure.New(failure.Storage, "the output %s: %w", output, err)
	case stat.IsDir():
		return failure.New(failure.Usage, "the output %s is a folder", output).WithHint("name a file in it")
	}
	for _, path := range inputs {
		input, err := os.Stat(path)
		if err == nil && os.SameFile(stat, input) {
			return failure.New(failure.Usage, "the output %s is one of the inputs, which stay as they are", output).
				WithHint("write to another file")
		}
	}
	return nil
}

func checkLocal(path string) error {
	if strings.Contains(path, "://") {
		return failure.New(failure.Usage, "%s is not a local file", path).WithHint("copy it to this machine first")
	}
	return nil
}
