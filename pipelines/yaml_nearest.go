package pipelines

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest returns the candidate that word is most likely a misspelling of, if one is near
// enough. Case, - and _ count as spelled right. Of equally near ones the first wins.
func nearest(word string, candidates []string) (string, bool) {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	best, found, least := "", false, 0
	for _, candidate := range candidates {
		distance := levenshtein.ComputeDistance(fold(word), fold(candidate))
		if distance*5 <= len(candidate)*2 && (!found || distance < least) {
			best, found, least = candidate, true, distance
		}
	}
	return best, found
}
