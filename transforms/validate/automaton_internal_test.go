package validate

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// requireSame compares an automaton with package regexp.
func requireSame(t *testing.T, pattern, text string) {
	t.Helper()
	check, err := newPatternCheck(pattern)
	require.NoError(t, err, pattern)
	want := regexp.MustCompile(pattern).MatchString(text)
	require.Equal(t, want, !check.refuses(text), "%q in %q", pattern, text)
	if check.quick == nil {
		return
	}
	matched, known := check.quick.match(text)
	if known {
		require.Equal(t, want, matched, "%q in %q", pattern, text)
	} else {
		require.False(t, isASCII([]byte(text)), "%q in %q", pattern, text)
	}
}

func TestAutomatonsAgreeWithRegexp(t *testing.T) {
	t.Parallel()
	patterns := []string{
		"", "a", "^a", "a$", "^a$", "^$", "$", "^", "ab|b", "^(ab|b)*$", "a*", "a+b?", "^[ab]{2,3}$", "^[^a]$", ".", "^.$", "(?s)^.$",
		"(?m)^a$", "(?m)^$", `\ba`, `a\b`, `\Ba`, `a\B`, `\b`, `\B`, `^\b$`, `\A(a|b)\z`, `(?i)K`, `(?i)^ab$`, `a$b`, `b^a`, `(?m)a$\n^b`,
		`[[:alpha:]]+ \d`, `\pL`, `é`, `^[ -~]*$`, `^\PL*$`, `a.b`, `(a?){3}a{3}`, `x*?y`, `(|a)+`, `[^\n]\n`, "\x00", `\x{10FFFF}`, `[^\x00-\x{10FFFF}]`,
	}
	texts := []string{
		"", "a", "b", "ab", "ba", "aab", "a\nb", "\n", "a\n", "\na", "A", "K", "k", "\u212a", "aé", "é", "éa", "\xff", "a\xff", "a b", "b a", "ab 1",
		" ", "~", "\x00", "\x7f", "aaa", "aaaaaa", "_a", "a-", "\U0010ffff", "x\n\ny", "xxxy",
	}
	for _, pattern := range patterns {
		for _, text := range texts {
			requireSame(t, pattern, text)
		}
	}
}

func TestAutomatonsAgreeWithRegexpOnRandomPatterns(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 5))
	pieces := []string{
		"a", "b", "_", " ", `\n`, ".", "^", "$", `\b`, `\B`, "[ab]", "[^a]", "(a|b)", "(ab)", "(|b)", "*", "+", "?", "{2}", "{0,2}", "|", "(?i)", "(?m)", "(?s)", `\z`, `\A`, "é",
	}
	letters := []string{"a", "b", "A", "_", " ", "\n", "é", "\xc3"}
	join := func(from []string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(from[r.IntN(len(from))])
		}
		return b.String()
	}
	compared := 0
	for compared < 2000 {
		pattern := join(pieces, 1+r.IntN(8))
		if _, err := regexp.Compile(pattern); err != nil {
			continue
		}
		compared++
		for range 20 {
			requireSame(t, pattern, join(letters[:6+2*r.IntN(2)], r.IntN(7)))
		}
	}
}

// A set of text is the pattern of its members, however these are written.
func TestSetsOfTextAgreeWithComparison(t *testing.T) {
	t.Parallel()
	members := []string{"", "A", "a.b", "(", "^", "$", `\`, "\n", "žluť", "\U0001f600", "\xff", "a|b", "[a]", "\x00"}
	others := append([]string{"B", "axb", "a", "b", "AA", "A\n", "ž", "\xfe", "[", "\ufffd", "\x00\x00"}, members...)
	for first := range members {
		for last := first + 1; last <= len(members); last++ {
			var set []Literal
			for _, text := range members[first:last] {
				set = append(set, Literal{Text: text, Quoted: true})
			}
			check := newTextSetCheck(set)
			for _, text := range others {
				require.Equal(t, !slices.Contains(members[first:last], text), check.refuses(text), "%q in %q", text, members[first:last])
			}
		}
	}
}

func TestComplicatedPatternsHaveNoAutomaton(t *testing.T) {
	t.Parallel()
	for pattern, simple := range map[string]bool{
		`^[A-Z]{1,200}$`:              true,
		`a.{9}$`:                      false, // 2^10 states
		`^(` + wide(400) + `)$`:       false,
		`^[a-z]+@[a-z]+\.(com|org)$`:  true,
		`^\d{4}-\d{2}-\d{2}T\d{2}:`:   true,
		`(?i)^(select|insert|update)`: true,
	} {
		check, err := newPatternCheck(pattern)
		require.NoError(t, err)
		assert.Equal(t, simple, check.quick != nil, pattern)
		assert.True(t, check.refuses("*"), pattern)
	}
}

// wide is a pattern of many instructions.
func wide(n int) string {
	return strings.TrimSuffix(strings.Repeat("ab?c|", n), "|")
}

func FuzzAutomaton(f *testing.F) {
	f.Add(`^[ -~]*$`, "a b")
	f.Add(`(?m)^\w+\b$`, "a\nb")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if _, err := regexp.Compile(pattern); err == nil {
			requireSame(t, pattern, text)
		}
	})
}
