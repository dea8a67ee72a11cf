package validate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// Bounds on the file of in_file, whose values travel with the pipeline and are in the memory
// of every worker several times.
const (
	maxSetBytes  = 16 << 20
	maxSetValues = 1_000_000
)

// ReadSets returns rules with the values of their in_file, local or remote. The rules that
// it is given stay as they are.
//
// The file is UTF-8 text, with or without a byte order mark, with one value a line as it
// would stand in quotes in a configuration: blanks count. Lines end in LF or CR LF. Empty
// lines mean nothing, so the empty text can only be listed with in. A file of more than
// 16 MiB or a million values is refused, and so is one without any.
//
// The errors are of package failure, name the rule and the file, and are known before any
// data is read.
func ReadSets(ctx context.Context, rules []Rule) ([]Rule, error) {
	rules = slices.Clone(rules)
	for i, rule := range rules {
		if rule.InFile == "" {
			continue
		}
		values, err := readSet(ctx, rule.InFile)
		if err != nil {
			return nil, fmt.Errorf("rule %q: in_file %s: %w", rule.title(), rule.InFile, err)
		}
		rules[i].Values = values
	}
	return rules, nil
}

func readSet(ctx context.Context, uri string) ([]string, error) {
	store, err := storage.For(uri)
	if err != nil {
		return nil, badSet("%w", err)
	}
	info, err := store.Stat(ctx, uri)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, badSet("there is no such file").WithHint("check the path; in a configuration it starts at the folder of the configuration")
	case err != nil:
		return nil, unreadable(err)
	case info.Folder:
		return nil, badSet("it is a folder").WithHint("name a text file with one value a line")
	case info.Size > maxSetBytes:
		return nil, badSet("it has %d bytes; at most %d MiB are read", info.Size, maxSetBytes>>20).WithHint("shorten it")
	}
	text, err := store.Get(ctx, uri)
	if err != nil {
		return nil, unreadable(err)
	}
	return parseSet(string(text))
}

// parseSet takes the text of a file apart. Its values share the memory of the text.
func parseSet(text string) ([]string, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	values := make([]string, 0, min(strings.Count(text, "\n")+1, maxSetValues))
	number := 0
	for line := range strings.Lines(text) {
		number++
		value := strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		switch {
		case value == "":
			continue
		case !utf8.ValidString(value):
			return nil, badSet("line %d is not UTF-8", number).WithHint("save the file as UTF-8 text")
		case len(values) == maxSetValues:
			return nil, badSet("it has more than %d values", maxSetValues).WithHint("shorten it")
		}
		values = append(values, value)
	}
	if len(values) == 0 {
		return nil, badSet("it has no value, so that no row would pass").WithHint("write one value a line")
	}
	return values, nil
}

func badSet(format string, args ...any) *failure.Error {
	return failure.New(failure.Config, format, args...)
}

func unreadable(err error) error {
	return failure.New(failure.Storage, "%w", err).WithHint("%s", storage.Hint(err)).BeforeData()
}
