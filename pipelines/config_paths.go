package pipelines

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

var schemePattern = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*)://`)

// resolvePaths fills in the default output and makes every path absolute: those of the
// file start at folder, those of the command line at the working folder.
func (c *Config) resolvePaths(folder string) error {
	working, err := os.Getwd()
	if err != nil {
		return failure.New(failure.Config, "find the working folder: %w", err).BeforeData()
	}
	start := func(key string) string {
		if c.place(key).flag != "" {
			return working
		}
		return folder
	}
	if c.Output.Path == "" {
		c.Output.Path = filepath.Join(folder, c.Name+".hyper")
	}
	for key, path := range map[string]*string{
		"output.path":              &c.Output.Path,
		"staging":                  &c.Staging,
		"hyperd.path":              &c.Hyperd.Path,
		"hyperd.log_dir":           &c.Hyperd.LogDir,
		"hyperd.domain_socket_dir": &c.Hyperd.DomainSocketDir,
	} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(start(key), *path)
		}
	}
	for i, table := range c.Tables {
		for j, glob := range table.Source.URI {
			if !filepath.IsAbs(glob) {
				key := c.globKey(fmt.Sprintf("tables[%d].source.uri", i), j)
				table.Source.URI[j] = filepath.Join(storage.EscapeGlob(start(key)), glob)
			}
		}
	}
	return c.checkStaging()
}

// checkStaging refuses a staging folder that the output, a file, would have to hold.
func (c *Config) checkStaging() error {
	if c.Staging == "" {
		return nil
	}
	inside, err := filepath.Rel(c.Output.Path, c.Staging)
	if err == nil && inside != ".." && !strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		return problem(c.place("staging"), "staging is the output, or inside it, but the output is a file; name another folder")
	}
	return nil
}

// checkPath refuses a path, at a key, that cannot be meant.
func (c *Config) checkPath(key, path string) error {
	at := c.place(key)
	if scheme := schemePattern.FindStringSubmatch(path); scheme != nil && scheme[1] == "gs" {
		return problem(at, "%s: gs:// is not supported yet in this version; use a local path", key)
	} else if scheme != nil {
		return problem(at, "%s: storage of the kind %s:// is not supported; use a local path", key, scheme[1])
	}
	if strings.ContainsRune(path, 0) {
		return problem(at, "%s holds a NUL character, which no path can", key)
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		return problem(at, "%s starts with ~, which only a shell expands; write the folder out", key)
	}
	return nil
}
