package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
)

var (
	schemePattern = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*)://`)
	bucketPattern = regexp.MustCompile(`^(gs|s3)://[^/]+(/|$)`)
	withUser      = regexp.MustCompile(`^[^/]+://[^/]*@`)
)

// resolvePaths fills in the default output and makes every path absolute: those of the
// file start at folder, those of the command line at the working folder.
func (c *Config) resolvePaths(folder string) error {
	working, err := os.Getwd()
	if err != nil {
		return failure.New(failure.Config, "find the working folder: %w", err)
	}
	start := func(key string) string {
		if c.Place(key).Flag != "" {
			return working
		}
		return folder
	}
	if c.Output.Path == "" {
		c.Output.Path = filepath.Join(folder, c.Name+".hyper")
	}
	paths := map[string]*string{
		"output.path":              &c.Output.Path,
		"staging":                  &c.Staging,
		"state":                    &c.State,
		"spool.path":               &c.Spool.Path,
		"metrics.textfile":         &c.Metrics.TextFile,
		"hyperd.path":              &c.Hyperd.Path,
		"hyperd.log_dir":           &c.Hyperd.LogDir,
		"hyperd.domain_socket_dir": &c.Hyperd.DomainSocketDir,

		"runner.flink.worker_binary":    &c.Runner.Flink.WorkerBinary,
		"runner.dataflow.worker_binary": &c.Runner.Dataflow.WorkerBinary,
	}
	if c.Publish != nil {
		paths["publish.ca_file"] = &c.Publish.CAFile
	}
	for i := range c.Notify {
		c.Notify[i].Folder = folder
	}
	for i := range c.Tables {
		for j := range c.Tables[i].Rules {
			paths[fmt.Sprintf("tables[%d].rules[%d].in_file", i, j)] = &c.Tables[i].Rules[j].InFile
		}
	}
	for key, path := range paths {
		if *path != "" && IsRelative(*path) {
			*path = filepath.Join(start(key), *path)
		}
		*path = storage.Canonical(*path)
	}
	for i := range c.Tables {
		if rejects := &c.Tables[i].Rejects; rejects.Path != "" && IsRelative(rejects.Path) {
			rejects.Path = filepath.Join(start(fmt.Sprintf("tables[%d].rejects.path", i)), rejects.Path)
		}
		c.Tables[i].Rejects.Path = storage.Canonical(c.Tables[i].Rejects.Path)
		source := &c.Tables[i].Source
		source.Bases = make([]string, len(source.URI))
		for j, glob := range source.URI {
			if IsRelative(glob) {
				folder := start(c.GlobKey(fmt.Sprintf("tables[%d].source.uri", i), j))
				source.URI[j], source.Bases[j] = filepath.Join(storage.EscapeGlob(folder), glob), above(folder, glob)
			}
			source.URI[j] = storage.Canonical(source.URI[j])
		}
	}
	c.resolveIngest(start)
	return c.checkStaging()
}

// IsRelative says whether a path starts at the folder of the configuration.
func IsRelative(path string) bool {
	_, local := storage.LocalPath(path)
	return local && !filepath.IsAbs(path)
}

// above is the folder that a relative glob starts at, once its leading .. are followed.
func above(folder, glob string) string {
	for rest := filepath.ToSlash(filepath.Clean(glob)); strings.HasPrefix(rest, "../"); rest = rest[len("../"):] {
		folder = filepath.Dir(folder)
	}
	return folder
}

// StateFolder is the folder for what has to be remembered between runs. Default: NAME.hyperlake beside
// the output NAME.hyper.
func (c *Config) StateFolder() string {
	if c.State != "" {
		return c.State
	}
	return strings.TrimSuffix(c.Output.Path, filepath.Ext(c.Output.Path)) + ".hyperlake"
}

// checkStaging refuses a staging folder that the output, a file, would have to hold.
func (c *Config) checkStaging() error {
	_, local := storage.LocalPath(c.Staging)
	if c.Staging == "" || !local || !c.IsSound("staging", "output", "name") {
		return nil
	}
	inside, err := filepath.Rel(c.Output.Path, c.Staging)
	if err == nil && inside != ".." && !strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		return c.Problem("staging", "staging is the output, or inside it, but the output is a file; name another folder")
	}
	return nil
}

// CheckLocalPath refuses a path, at a key, that cannot be meant, or that is not local, as [Config.Problem]
// does.
func (c *Config) CheckLocalPath(key, path string) error {
	if !storage.IsLocal(path) {
		return c.Problem(key, "%s must be a local path, not %s", key, words.Shorten(path))
	}
	return c.CheckPath(key, path)
}

// CheckWritten is [Config.CheckPath] of a path that runs write to.
func (c *Config) CheckWritten(key, path string) error {
	if err := c.CheckPath(key, path); err != nil {
		return err
	}
	if storage.ReadOnly(path) {
		return c.Problem(key, "%s: %s is on a web server, which is only read from; use a local path, gs://, s3:// or az://",
			key, words.Shorten(path))
	}
	return nil
}

// CheckPath refuses a path, at a key, that cannot be meant, as [Config.Problem] does. It looks at no file.
func (c *Config) CheckPath(key, path string) error {
	if scheme := schemePattern.FindStringSubmatch(path); scheme != nil {
		if err := c.checkRemote(key, strings.ToLower(scheme[1]), path); err != nil {
			return err
		}
	}
	if strings.ContainsRune(path, 0) {
		return c.Problem(key, "%s holds a NUL character, which no path can", key)
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		return c.Problem(key, "%s starts with ~, which only a shell expands; write the folder out", key)
	}
	return nil
}

// checkRemote refuses an address that names no place in a storage that there is, or holds a secret, which is not repeated.
func (c *Config) checkRemote(key, scheme, path string) error {
	if scheme == "http" {
		return c.Problem(key, "%s: http:// is not read, for everybody on the way could change the files; use https://", key)
	}
	if _, err := storage.For(scheme + "://"); err != nil {
		return c.Problem(key, "%s: storage of the kind %s:// is not supported; use a local path, gs://, s3:// or az://", key, scheme)
	}
	if scheme != "gs" && scheme != "s3" { // those say themselves what is wrong
		if err := storage.Check(path); err != nil {
			return c.Problem(key, "%s: %v", key, err)
		}
		return nil
	}
	if !bucketPattern.MatchString(path) {
		return c.Problem(key, "%s: %s names no bucket; write %s://BUCKET/PATH", key, words.Shorten(path), scheme)
	}
	if withUser.MatchString(path) {
		return c.Problem(key, "%s: an address %s:// holds no user or password; "+
			"who reads and writes there comes from the environment", key, scheme)
	}
	return nil
}
