package pipelines

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest returns the candidate that word is most likely a misspelling of, if one is near
// enough: two letters that changed places (a distance of 2) in a short word, two letters
// in five in a long one. Case, - and _ count as spelled right. Of equally near ones the
// first wins.
func nearest(word string, candidates []string) (string, bool) {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	best, found, least := "", false, 0
	for _, candidate := range candidates {
		distance := levenshtein.ComputeDistance(fold(word), fold(candidate))
		near := distance <= 2 && distance*2 <= len(candidate) || distance*5 <= len(candidate)*2
		if near && (!found || distance < least) {
			best, found, least = candidate, true, distance
		}
	}
	return best, found
}
