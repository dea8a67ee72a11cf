package words

import (
	"fmt"
	"strings"
)

// OneOf sets a word to the text of a configuration if it is one of those that it may be. Its error
// goes on from the key.
func OneOf[T ~string](word *T, text []byte, known ...T) error {
	names := make([]string, len(known))
	for i, name := range known {
		if names[i] = string(name); names[i] == string(text) {
			*word = name
			return nil
		}
	}
	last := len(names) - 1
	return fmt.Errorf("must be %s or %s, not %s", strings.Join(names[:last], ", "), names[last], Shorten(string(text)))
}
