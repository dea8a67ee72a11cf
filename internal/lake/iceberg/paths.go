package iceberg

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"hyperlake/internal/storage"
)

const metadataPathProperty = "write.metadata.path"

var (
	schemePattern = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*):/`)
	drivePattern  = regexp.MustCompile(`^/[A-Za-z]:/`)
)

// paths says where the files are that metadata name.
type paths struct {
	folder   string // where the table lies
	recorded string // where its metadata say that it lies, as a URI of ours
	moved    bool   // whether that is another place
}

// newPaths finds out where a table lies. Metadata that lie beside their table say where: the folder of their folder.
func newPaths(found location, m *metadata) (paths, error) {
	recorded, err := canonical(m.Location)
	if err != nil {
		return paths{}, err
	}
	p := paths{folder: found.folder, recorded: strings.TrimRight(recorded, "/")}
	place := parent(found.info.URI)
	aside, err := canonical(m.Properties[metadataPathProperty])
	isAside := m.Properties[metadataPathProperty] != "" && err == nil && same(aside, place)
	if isAside || !strings.HasSuffix("/"+place, "/"+metadataFolder) {
		p.folder = p.recorded
		return p, nil
	}
	p.moved = !same(p.folder, p.recorded)
	return p, nil
}

// resolve returns the URI of a file that metadata name. Of a table that was moved, only files below it can be found.
func (p paths) resolve(path string) (string, error) {
	uri, err := canonical(path)
	if err != nil {
		return "", err
	}
	inside, isInside := strings.CutPrefix(uri, p.recorded+"/")
	switch {
	case p.moved && isInside && slices.Contains(strings.Split(inside, "/"), ".."):
		return "", fmt.Errorf("%q is no path of a file of the table", path)
	case p.moved && isInside:
		return storage.Join(p.folder, inside), nil
	case p.moved:
		return "", &unknown{fmt.Sprintf("it was moved to there from %s, but has the file %s, which lies outside of that", p.recorded, path)}
	case storage.IsLocal(uri) && !storage.IsLocal(p.folder): // which could be any file of this machine
		return "", fmt.Errorf("%q is a file of the machine that wrote the table", path)
	}
	return uri, nil
}

// canonical is the URI of ours for a location as metadata have it, which is not percent-encoded.
func canonical(location string) (string, error) {
	match := schemePattern.FindStringSubmatch(location)
	switch {
	case location == "" && match == nil:
		return "", nil
	case strings.ContainsRune(location, 0) || !utf8.ValidString(location):
		return "", fmt.Errorf("%q is no path", location)
	case match == nil:
		return location, nil
	case strings.EqualFold(match[1], "file"):
		return localPath(location[len("file:"):]), nil
	case strings.EqualFold(match[1], "s3a") || strings.EqualFold(match[1], "s3n"): // Hadoop's names of s3
		return "s3" + location[len(match[1]):], nil
	case !strings.HasPrefix(location[len(match[1]):], "://"): // a local path with a colon in its first name
		return location, nil
	}
	uri := storage.Canonical(strings.ToLower(match[1]) + location[len(match[1]):])
	if storage.ReadOnly(uri) { // which could be any server that this machine reaches
		return "", errors.New("a file of the table is on a web server, from which no table is read")
	}
	return uri, nil
}

// localPath is the path of a URI of scheme file, without the scheme.
func localPath(path string) string {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "//localhost"), "//")
	if runtime.GOOS == "windows" && drivePattern.MatchString(path) {
		return path[1:]
	}
	return path
}

// same says whether two places are the same folder.
func same(a, b string) bool {
	if storage.IsLocal(a) != storage.IsLocal(b) {
		return false
	}
	return really(a) == really(b)
}

// really is where a local path leads to from the working folder, through links.
func really(uri string) string {
	if !storage.IsLocal(uri) {
		return strings.TrimRight(uri, "/")
	}
	path, err := filepath.Abs(uri)
	if err != nil {
		return uri
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}
