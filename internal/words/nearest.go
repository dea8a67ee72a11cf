// Package words has what several places say to people: numbers with their nouns, texts cut to
// length, and what a word that nobody knows may have meant.
package words

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the candidate that word is most likely a misspelling of, if one is near
// enough: one letter wrong, two that changed places, or two in five wrong of a longer word. Case,
// - and _ count as spelled right. Of equally near ones the first wins.
func Nearest(word string, candidates []string) (string, bool) {
	best, found, least := "", false, 0
	for _, candidate := range candidates {
		a, b := fold(word), fold(candidate)
		distance := levenshtein.ComputeDistance(a, b)
		near := distance <= 1 && len(b) > 1 || distance == 2 && sorted(a) == sorted(b) || distance*5 <= len(b)*2
		if near && (!found || distance < least) {
			best, found, least = candidate, true, distance
		}
	}
	return best, found
}

// Closest returns the candidate that differs from word by the fewest letters, however many these are. Case
// does not count; of equally close ones the first wins. It is empty only if there are no candidates.
func Closest(word string, candidates []string) string {
	closest, least := "", 0
	for i, candidate := range candidates {
		distance := levenshtein.ComputeDistance(strings.ToLower(candidate), strings.ToLower(word))
		if i == 0 || distance < least {
			closest, least = candidate, distance
		}
	}
	return closest
}

func fold(word string) string { return strings.ReplaceAll(strings.ToLower(word), "-", "_") }

func sorted(word string) string {
	letters := []rune(word)
	slices.Sort(letters)
	return string(letters)
}
