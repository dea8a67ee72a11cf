package config

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/strictyaml"
)

// maxConfigBytes is more than any configuration needs, and little enough to parse at once.
const maxConfigBytes = 1 << 20

// File is the file of a configuration, from which it is loaded with one target after another. It is not for concurrent use.
type File struct {
	at   strictyaml.Place
	body ast.Node
}

// Read reads the file at path, once: it may be a pipe. An error is as those of [Load].
func Read(path string) (*File, error) {
	at := strictyaml.Place{File: path}
	text, err := readText(at)
	if err != nil {
		return nil, err
	}
	body, err := strictyaml.Parse(text, at)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, strictyaml.Problem(at, "the file is empty; a configuration needs at least the keys name and tables")
	}
	return &File{at, body}, nil
}

// plainText writes line ends in the one way in which the parser counts them right.
var plainText = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// readText returns the text of a configuration file, without a byte order mark.
func readText(at strictyaml.Place) (string, error) {
	file, err := storage.OpenPipe(context.Background(), at.File, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return "", failure.New(failure.Config, "there is no configuration at %s", at.File).
			WithHint("check the path; it starts at the working folder")
	}
	if err != nil {
		return "", failure.New(failure.Config, "read the configuration: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return "", failure.New(failure.Config, "%s is a folder, not a configuration", at.File).
			WithHint("name the YAML file inside it")
	}
	data, err := io.ReadAll(io.LimitReader(file, maxConfigBytes+1))
	if err != nil {
		return "", failure.New(failure.Config, "read the configuration: %w", err)
	}
	if len(data) > maxConfigBytes {
		return "", strictyaml.Problem(at, "the file is larger than %d MiB; is it a configuration?", maxConfigBytes>>20)
	}
	return plainText.Replace(strings.TrimPrefix(string(data), "\ufeff")), nil
}
