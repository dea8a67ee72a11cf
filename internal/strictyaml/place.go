package strictyaml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"

	"hyperlake/internal/failure"
)

// Place is where a part of the configuration was written: in the file, or in a flag.
type Place struct {
	File         string // as the user named it; empty for a flag
	Line, Column int    // from 1, in characters; 0 stands for the file as a whole
	Flag         string // such as "--set output.path"; empty for the file
}

func (p Place) String() string {
	switch {
	case p.Flag != "":
		return p.Flag
	case p.Line == 0:
		return p.File
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
}

// of returns the place of a token in the same file or flag.
func (p Place) of(tk *token.Token) Place {
	if tk != nil && tk.Position != nil {
		p.Line, p.Column = tk.Position.Line, max(tk.Position.Column, 1)
	}
	return p
}

// PlacedError is what is wrong at a place, the cause of the failures that [Problem] and [KeyProblem] make.
type PlacedError struct {
	At   Place
	Key  string // the path of the value, such as tables[0].name; empty where it is about the text of the file
	Text string // what is wrong, on one line, without the place
}

func (e *PlacedError) Error() string { return fmt.Sprintf("%s: %s", e.At, e.Text) }

// Problem makes the error for something wrong at a place. Its message is one line.
func Problem(at Place, format string, args ...any) *failure.Error {
	return KeyProblem(at, "", format, args...)
}

// KeyProblem is [Problem] about the value of a key.
func KeyProblem(at Place, key, format string, args ...any) *failure.Error {
	lines := strings.FieldsFunc(fmt.Sprintf(format, args...), func(r rune) bool { return r == '\n' || r == '\r' })
	return failure.New(failure.Config, "%w", &PlacedError{At: at, Key: key, Text: strings.Join(lines, " ")})
}

// about is what was wrong with a value that knew its place but not its key.
func about(key string, err error) error {
	var all []error
	for _, one := range list(err) {
		if placed := (*PlacedError)(nil); errors.As(one, &placed) {
			one = KeyProblem(placed.At, key, "%s", placed.Text)
		}
		all = append(all, one)
	}
	return failure.Join(failure.Config, all...)
}

// list are the failures that err, which is not nil, is made of.
func list(err error) []*failure.Error {
	first := *failure.Of(err, failure.Config)
	more := first.More
	first.More = nil
	return append([]*failure.Error{&first}, more...)
}

// KeysOfFailure are the keys that err is about, as far as it says so. Of nil there are none.
func KeysOfFailure(err error) []string {
	var keys []string
	for _, one := range InOrder(err) {
		if placed := (*PlacedError)(nil); errors.As(one, &placed) && placed.Key != "" {
			keys = append(keys, placed.Key)
		}
	}
	return keys
}

// InOrder are all failures that err is made of, by their places: those of flags last, and those without a place first. What is said
// twice is there once, as of an alias.
func InOrder(err error) []*failure.Error {
	if err == nil {
		return nil
	}
	all := list(err)
	place := func(e *failure.Error) (at Place) {
		if placed := (*PlacedError)(nil); errors.As(e, &placed) {
			at = placed.At
		}
		return at
	}
	slices.SortStableFunc(all, func(a, b *failure.Error) int {
		at, other := place(a), place(b)
		return cmp.Or(cmp.Compare(at.Flag, other.Flag), cmp.Compare(at.Line, other.Line), cmp.Compare(at.Column, other.Column))
	})
	return slices.CompactFunc(all, func(a, b *failure.Error) bool { return a.Message == b.Message && a.Hint == b.Hint })
}
