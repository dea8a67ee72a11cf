package plan

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

// checkApart refuses places that one part of a run, or the next run, would take for another:
// folders of rejects, which are replaced as a whole, with something else in them, and sources
// that find what runs write.
func checkApart(c *config.Config) error {
	var wrong []error
	for i, table := range c.Tables {
		if table.Rejects.Path != "" {
			wrong = append(wrong, checkRejectsApart(c, i))
		}
		wrong = append(wrong, checkSourceApart(c, i))
	}
	return failure.Join(failure.Config, wrong...)
}

// checkRejectsApart looks for what a table's folder of rejects has in it that is not its own.
func checkRejectsApart(c *config.Config, index int) error {
	key := fmt.Sprintf("tables[%d].rejects.path", index)
	folder := really(c.Tables[index].Rejects.Path)
	for i, other := range c.Tables {
		if path := other.Rejects.Path; i != index && path != "" && isWithin(really(path), folder) {
			return c.Problem(key, "%s is the folder of tables[%d].rejects.path, or one around it; "+
				"it is replaced as a whole, so every table needs a folder of its own", key, i)
		}
	}
	if c.Staging != "" && isWithin(really(c.Staging), folder) {
		return c.Problem(key, "%s is the folder of staging, or one around it; it is replaced as a whole, so take a folder of its own", key)
	}
	if state := really(c.StateFolder()); isWithin(state, folder) || isWithin(folder, state) {
		return c.Problem(key, "%s is the folder of state, or one in it or around it; it is replaced as a whole, so take a folder of its own", key)
	}
	if isWithin(really(c.Output.Path), folder) {
		return c.Problem(key, "%s is output.path, or a folder around it; it is replaced as a whole, so take a folder of its own", key)
	}
	return nil
}

// checkSourceApart looks for what runs write where a table's source is read: rejects would come
// back as rows. A source that names the rejects of another table is meant.
func checkSourceApart(c *config.Config, index int) error {
	key := fmt.Sprintf("tables[%d].source.uri", index)
	for i, glob := range c.Tables[index].Source.URI {
		at := c.GlobKey(key, i)
		for j, table := range c.Tables {
			rejects := table.Rejects.Path
			if rejects == "" || !finds(glob, storage.Join(really(rejects), "part-00000-RUN.parquet")) {
				continue
			}
			if place, _ := splitGlob(glob); j == index || !isWithin(place, really(rejects)) {
				return c.Problem(at, "%s matches the files of tables[%d].rejects.path, which the next run would load; "+
					"take a folder for rejects that the source does not reach, or whose name starts with _", at, j)
			}
		}
		if c.Staging != "" && finds(glob, storage.Join(really(c.Staging), "RUN", "rejects", "0.parquet")) {
			return c.Problem(at, "%s matches what runs keep on staging, which the next run would load; "+
				"take a folder for staging that the source does not reach, or whose name starts with _", at)
		}
	}
	return nil
}

// splitGlob divides a glob into the real place in which files are looked for, and what is looked for there: what a folder stands for if
// all of it may be one.
func splitGlob(glob string) (place, pattern string) {
	if storage.IsLocal(glob) {
		glob = filepath.ToSlash(filepath.Clean(glob))
	}
	base, pattern := storage.SplitGlob(glob)
	return really(base), cmp.Or(pattern, filesBelow)
}

// finds says whether a glob finds a file, by whose real path it is called.
func finds(glob, file string) bool {
	place, pattern := splitGlob(glob)
	return isWithin(file, place) && storage.Matches(pattern, filepath.ToSlash(strings.TrimLeft(file[len(place):], `/\`)))
}

// really is where a path leads, whatever links are on the way. What is missing is taken for what
// a run would make.
func really(uri string) string {
	path, local := storage.LocalPath(uri)
	if !local {
		return strings.TrimRight(uri, "/")
	}
	path = filepath.Clean(path)
	there := storage.Standing(path)
	resolved, err := filepath.EvalSymlinks(there)
	if err != nil {
		return path
	}
	return filepath.Join(resolved, path[len(there):])
}

// isWithin says whether a path is a folder, or lies in it.
func isWithin(path, folder string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimRight(folder, `/\`))
	return ok && (rest == "" || strings.ContainsAny(rest[:1], `/\`))
}
