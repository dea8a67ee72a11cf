package plan

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/transforms/parquetread"
)

// hiveNull is how Hive writes NULL in the name of a folder.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// partition is one key of the folders of a table and its value in every file.
type partition struct {
	name   string
	values []*string // of the files, in their order; nil is NULL
	has    []bool    // of the files: whether their folders have the key

	missingIn string    // a file without the key, if there is one
	pruned    []*string // values of files that a table format has let go
}

// partitionsOf finds the keys in the folders of files, in the order of the paths. Files
// without a key that others have are refused, unless mayMiss: then they have NULL there.
func partitionsOf(files []SourceFile, mode config.Partitions, mayMiss bool) ([]partition, error) {
	if mode == config.PartitionsNone || len(files) == 0 {
		return nil, nil
	}
	var found []partition
	first := map[string]string{} // file by key
	keysOf := make([][]hiveKey, len(files))
	spelling := spellings{}
	for i, file := range files {
		keys, err := hiveKeys(file)
		if err == nil {
			err = spelling.add(file)
		}
		if err != nil {
			return nil, err
		}
		keysOf[i] = keys
		for _, key := range keys {
			if _, known := first[key.name]; !known {
				first[key.name] = file.URI
				found = append(found, partition{name: key.name})
			}
		}
	}
	if mode == config.PartitionsHive && len(found) == 0 {
		return nil, failure.New(failure.Source, "no folder of %s is named key=value", files[0].URI).
			WithHint("set source.partitions to auto or none").BeforeData()
	}
	for i := range found {
		p := &found[i]
		for j, keys := range keysOf {
			at := slices.IndexFunc(keys, func(k hiveKey) bool { return k.name == p.name })
			if at < 0 && !mayMiss {
				return nil, uneven(p.name, first[p.name], files[j].URI)
			}
			if at < 0 {
				p.missingIn = files[j].URI
				p.values, p.has = append(p.values, nil), append(p.has, false)
				continue
			}
			p.values, p.has = append(p.values, keys[at].value), append(p.has, true)
		}
	}
	return found, nil
}

func uneven(key, with, without string) error {
	return failure.New(failure.Source, "%q is a key in the folders of %s, but not in those of %s", key, with, without).
		WithHint("choose with source.uri what belongs together, set on_drift: union to have NULL there, " +
			"or partitions: none to leave such folders alone").BeforeData()
}

// hiveKey is the key and the value that the name of a folder holds.
type hiveKey struct {
	name  string
	value *string
}

func (k hiveKey) equal(other hiveKey) bool {
	return k.name == other.name && (k.value == nil) == (other.value == nil) && (k.value == nil || *k.value == *other.value)
}

// hiveKeys reads the names of the folders of a file.
func hiveKeys(file SourceFile) ([]hiveKey, error) {
	folders := strings.Split(filepath.ToSlash(file.below), "/")
	var keys []hiveKey
	for _, folder := range folders[:len(folders)-1] {
		name, value, ok := strings.Cut(folder, "=")
		if !ok || name == "" {
			continue
		}
		key := hiveKey{name: unescape(name)}
		if value != hiveNull {
			text := unescape(value)
			key.value = &text
		}
		if !utf8.ValidString(key.name) || key.value != nil && !utf8.ValidString(*key.value) {
			return nil, failure.New(failure.Source, "the folder %q of %s is not in UTF-8 once it is percent-decoded", folder, file.URI).
				WithHint("rename the folder, or set source.partitions: none to leave such folders alone").BeforeData()
		}
		if slices.ContainsFunc(keys, func(k hiveKey) bool { return k.name == key.name }) {
			return nil, failure.New(failure.Source, "two folders of %s have a value of %q", file.URI, key.name).
				WithHint("set source.partitions: none to leave such folders alone").BeforeData()
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// spellings is how folders are named that mean the same, by the folder around them.
type spellings map[[2]string]string

// add refuses a file in a folder that means the same as another beside it: there is no telling
// what two folders of one value are meant to be.
func (s spellings) add(file SourceFile) error {
	path := filepath.ToSlash(file.URI)
	around := len(path) - len(filepath.ToSlash(file.below)) // the length of what is before the folders
	folders := strings.Split(filepath.ToSlash(file.below), "/")
	for _, folder := range folders[:len(folders)-1] {
		if name, value, ok := strings.Cut(folder, "="); ok && name != "" {
			meant := [2]string{path[:around], fmt.Sprintf("%q=%q", unescape(name), unescape(value))}
			if other, known := s[meant]; known && other != folder {
				return failure.New(failure.Source, "the folders %q and %q in %s mean the same value once they are percent-decoded",
					other, folder, path[:around]).
					WithHint("rename one of them, or set source.partitions: none to leave such folders alone").BeforeData()
			}
			s[meant] = folder
		}
		around += len(folder) + len("/")
	}
	return nil
}

// unescape undoes percent-encoding, where that is what the text is.
func unescape(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// field is the column of a partition: a bigint or a date where all values are written as
// one, as such programs write them, else text. Leading zeros make text.
func (p partition) field() arrow.Field {
	field := arrow.Field{Name: p.name, Type: arrow.BinaryTypes.String, Nullable: slices.Contains(p.values, nil)}
	switch {
	case p.all(isBigint):
		field.Type = arrow.PrimitiveTypes.Int64
	case p.all(isDate):
		field.Type = arrow.FixedWidthTypes.Date32
	}
	return field
}

// notePruned notes a value of a file that is not read, unless it is the one of the file before or NULL.
func (p *partition) notePruned(value *string) {
	if value == nil || len(p.pruned) > 0 && *p.pruned[len(p.pruned)-1] == *value {
		return
	}
	p.pruned = append(p.pruned, value)
}

// all says whether there are values and a condition holds for all of them.
func (p partition) all(holds func(string) bool) bool {
	some := false
	for _, value := range p.values {
		if value != nil && !holds(*value) {
			return false
		}
		some = some || value != nil
	}
	return some
}

func isBigint(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == text
}

func isDate(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// PartitionColumns are the columns that the names of the folders of files make, beside those
// that the files have themselves, when the configuration says nothing about them; none where
// the folders do not agree.
func PartitionColumns(footers []parquetread.Footer) []arrow.Field {
	var sources []SourceFile
	for _, footer := range footers {
		sources = append(sources, SourceFile{footer.Info, footer.Info.URI})
	}
	found, err := partitionsOf(sources, config.PartitionsAuto, false)
	if err != nil {
		return nil
	}
	columns := columnsOf(footers, nil)
	var fields []arrow.Field
	for _, p := range found {
		if columns.at(p.name) < 0 {
			fields = append(fields, p.field())
		}
	}
	return fields
}
