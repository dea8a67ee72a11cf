package delta

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"hyperlake/internal/lake/vector"
	"hyperlake/internal/storage"
)

var (
	schemePattern = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*):/`)
	drivePattern  = regexp.MustCompile(`^/[A-Za-z]:/`)
)

// resolve returns the URI of a file that the log of the table at folder names by a path, which is
// percent-encoded, and relative to the folder unless it is absolute.
func resolve(folder, path string) (string, error) {
	decoded, err := url.PathUnescape(path)
	if err != nil || decoded == "" || strings.ContainsRune(decoded, 0) || !utf8.ValidString(decoded) {
		return "", fmt.Errorf("%q is no path as the protocol writes it, percent-encoded", path)
	}
	match := schemePattern.FindStringSubmatch(path)
	isLocal := storage.IsLocal(folder)
	switch {
	case match == nil && !strings.HasPrefix(decoded, "/"):
		return storage.Join(folder, decoded), nil
	case match == nil || strings.EqualFold(match[1], "file"):
		if !isLocal { // which could be any file of this machine
			return "", fmt.Errorf("%q is a file of the machine that wrote the table, which is in %s", path, folder)
		}
		return localPath(decoded), nil
	case strings.EqualFold(match[1], "s3a") || strings.EqualFold(match[1], "s3n"): // Hadoop's names of s3
		return "s3" + decoded[len(match[1]):], nil
	}
	uri := storage.Canonical(strings.ToLower(match[1]) + decoded[len(match[1]):])
	if storage.ReadOnly(uri) { // which could be any server that this machine reaches
		return "", errors.New("a file of the table is on a web server, from which no table is read")
	}
	return uri, nil
}

// localPath is the path that a URI of scheme file names.
func localPath(uri string) string {
	path := uri
	if schemePattern.MatchString(uri) {
		_, path, _ = strings.Cut(uri, ":")
		path = strings.TrimPrefix(strings.TrimPrefix(path, "//localhost"), "//")
	}
	if runtime.GOOS == "windows" && drivePattern.MatchString(path) {
		return path[1:]
	}
	return path
}

// uuidChars is how many characters in Z85 a UUID takes.
const uuidChars = 20

// id tells a vector from others of the same file; "" stands for none.
func (d *vectorDescriptor) id() string {
	switch {
	case d == nil:
		return ""
	case d.Offset == nil:
		return d.Storage + d.Place
	}
	return fmt.Sprintf("%s%s@%d", d.Storage, d.Place, *d.Offset)
}

// vector finds out where a deletion vector of the table at folder is.
func (d *vectorDescriptor) vector(folder string) (*vector.Vector, error) {
	v := &vector.Vector{ID: d.id(), Size: d.Size, Cardinality: d.Cardinality}
	if d.Size <= 0 || d.Cardinality < 0 || d.Offset != nil && *d.Offset < 0 {
		return nil, fmt.Errorf("a deletion vector of %d bytes with %d rows", d.Size, d.Cardinality)
	}
	if d.Offset != nil {
		v.Offset = *d.Offset
	}
	var err error
	switch d.Storage {
	case "i":
		v.Inline, err = inline(d.Place, d.Size)
	case "u":
		v.URI, err = relativeVector(folder, d.Place)
	case "p":
		if v.URI, err = resolve(folder, d.Place); err == nil && !schemePattern.MatchString(d.Place) && !strings.HasPrefix(d.Place, "/") {
			err = fmt.Errorf("the path %q of a deletion vector is not absolute", d.Place)
		}
	default:
		err = fmt.Errorf("a deletion vector is stored in the way %q, which is not known", d.Storage)
	}
	return v, err
}

// inline takes a vector out of its text, in which groups of four bytes are filled up.
func inline(text string, size int64) ([]byte, error) {
	raw, err := vector.DecodeZ85(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("a deletion vector in the log: %w", err)
	case size > int64(len(raw)) || size < int64(len(raw))-3:
		return nil, fmt.Errorf("a deletion vector in the log has %d bytes, not %d", len(raw), size)
	}
	return raw[:size], nil
}

// relativeVector is the file that a UUID in Z85, with a folder before it or without, stands for.
func relativeVector(folder, text string) (string, error) {
	if len(text) < uuidChars {
		return "", errors.New("the name of a deletion vector is too short")
	}
	raw, err := vector.DecodeZ85(text[len(text)-uuidChars:])
	if err != nil {
		return "", fmt.Errorf("the name of a deletion vector: %w", err)
	}
	id, err := uuid.FromBytes(raw)
	if err != nil {
		return "", err
	}
	name := "deletion_vector_" + id.String() + ".bin"
	if prefix := text[:len(text)-uuidChars]; prefix != "" {
		return storage.Join(folder, prefix, name), nil
	}
	return storage.Join(folder, name), nil
}
