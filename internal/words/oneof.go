package words

import (
	"fmt"
	"strings"
)

// UnknownError is a word that is none of those that it may be.
type UnknownError struct {
	Known []string
	Word  string
}

// Error goes on from the key.
func (e *UnknownError) Error() string {
	last := len(e.Known) - 1
	known := e.Known[last]
	if last > 0 {
		known = strings.Join(e.Known[:last], ", ") + " or " + known
	}
	return fmt.Sprintf("must be %s, not %s", known, Shorten(e.Word))
}

// OneOf sets a word to the text of a configuration if it is one of those that it may be. Its error is an [UnknownError].
func OneOf[T ~string](word *T, text []byte, known ...T) error {
	names := make([]string, len(known))
	for i, name := range known {
		if names[i] = string(name); names[i] == string(text) {
			*word = name
			return nil
		}
	}
	return &UnknownError{names, string(text)}
}
