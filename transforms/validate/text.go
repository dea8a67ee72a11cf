package validate

import (
	"math"
	"math/bits"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// texts are the arrays of text.
type texts interface {
	arrow.Array
	Value(int) string
}

// textChecks are the checks of a rule on a column of text.
func textChecks(rule Rule) ([]columnCheck, error) {
	var checks []columnCheck
	if set := rule.set(); set != nil {
		checks = append(checks, newTextSetCheck(set))
	}
	if rule.MinLength != nil || rule.MaxLength != nil {
		checks = append(checks, newLengthCheck(rule.MinLength, rule.MaxLength))
	}
	if rule.Matches != "" {
		check, err := newPatternCheck(rule.Matches)
		if err != nil {
			return nil, err
		}
		checks = append(checks, check)
	}
	return checks, nil
}

// maxQuick is how many members of a set are looked for by an automaton, which takes a third
// of the time of hashing as long as they are few.
const maxQuick = 32

// textSetCheck is broken by text that is not in a set. NULLs pass.
type textSetCheck struct {
	members map[string]bool
	quick   *automaton // nil if there are many
}

func newTextSetCheck(set []Literal) textSetCheck {
	c := textSetCheck{members: make(map[string]bool, len(set))}
	for _, l := range set {
		c.members[l.Text] = true
	}
	if len(set) > maxQuick {
		return c
	}
	var patterns []string
	for _, l := range set {
		patterns = append(patterns, regexp.QuoteMeta(l.Text))
	}
	c.quick = newAutomaton(`^(?:` + strings.Join(patterns, "|") + `)$`)
	return c
}

func (c textSetCheck) mark(arr arrow.Array, broken *rowSet) { markTexts(arr, broken, c.refuses) }

func (c textSetCheck) refuses(text string) bool {
	if matched, known := c.quick.match(text); known {
		return !matched
	}
	return !c.members[text]
}

// patternCheck is broken by text in which a pattern matches nowhere. NULLs pass.
type patternCheck struct {
	pattern *regexp.Regexp
	quick   *automaton // nil if the pattern is too complicated
}

func newPatternCheck(pattern string) (patternCheck, error) {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return patternCheck{}, err
	}
	return patternCheck{compiled, newAutomaton(pattern)}, nil
}

func (c patternCheck) mark(arr arrow.Array, broken *rowSet) { markTexts(arr, broken, c.refuses) }

func (c patternCheck) refuses(text string) bool {
	if matched, known := c.quick.match(text); known {
		return !matched
	}
	return !c.pattern.MatchString(text)
}

// markTexts adds the rows whose text is refused to broken, and no NULLs.
func markTexts(arr arrow.Array, broken *rowSet, refused func(text string) bool) {
	column, valid := arr.(texts), validity(arr)
	for i := range valid.words() {
		broken.addWord(i, refusedOf(column, 64*i, valid.word(i), refused))
	}
}

// refusedOf has the bits of those among 64 rows whose text is refused. It looks only at
// the rows from first on that have their bit set in rows.
func refusedOf(column texts, first int, rows uint64, refused func(text string) bool) uint64 {
	var word uint64
	for ; rows != 0; rows &= rows - 1 {
		at := bits.TrailingZeros64(rows)
		if refused(column.Value(first + at)) {
			word |= 1 << at
		}
	}
	return word
}

// lengthCheck is broken by text of too few or too many characters, which are code points;
// a byte that is no part of one counts as one. NULLs pass.
type lengthCheck struct{ fewest, most int }

func newLengthCheck(fewest, most *int) lengthCheck {
	c := lengthCheck{most: math.MaxInt}
	if fewest != nil {
		c.fewest = *fewest
	}
	if most != nil {
		c.most = *most
	}
	return c
}

func (c lengthCheck) refuses(text string) bool {
	n := utf8.RuneCountInString(text)
	return n < c.fewest || n > c.most
}

func (c lengthCheck) mark(arr arrow.Array, broken *rowSet) {
	switch a := arr.(type) {
	case *array.String:
		if a.Len() > 0 {
			markLengths(c, a, a.ValueOffsets(), broken)
		}
	case *array.LargeString:
		if a.Len() > 0 {
			markLengths(c, a, a.ValueOffsets(), broken)
		}
	default:
		markTexts(arr, broken, c.refuses)
	}
}

// markLengths counts characters only where the number of bytes leaves a doubt: n bytes
// are at most n characters, and at least a quarter of n.
func markLengths[O int32 | int64](c lengthCheck, column texts, offsets []O, broken *rowSet) {
	valid := validity(column)
	for i := range valid.words() {
		ends := offsets[64*i : min(64*i+65, len(offsets))]
		var doubtful uint64
		for j, end := range ends[1:] {
			if n := int(end - ends[j]); n/utf8.UTFMax < c.fewest || n > c.most {
				doubtful |= 1 << j
			}
		}
		broken.addWord(i, refusedOf(column, 64*i, doubtful&valid.word(i), c.refuses))
	}
}
