package rejects_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"hyperlake/sinks/rejects"
)

func TestForms(t *testing.T) {
	t.Parallel()
	columns := []string{"a", "a = 7, b", "b c", "expected"}
	for reason, want := range map[string]string{
		`found "1234 EUR", which does not convert to BIGINT`:              "9999 AAA",
		`found "john.doe@example.com", expected matches ^[^@]+$`:          "aaaa.aaa@aaaaaaa.aaa",
		`found "Ünï ١٢ 日本\u202e\x00\xff", expected at least 2 characters`: "Aaa 99 aa···",
		`found "", expected one of x`:                                     `""`,
		`found NULL, expected not null`:                                   "NULL",
		`found -12.50, expected >= 0`:                                     "-99.99",
		`found 1970-01-01T00:00:00.5Z, expected >= 2026-01-31`:            "9999-99-99A99:99:99.9A",
		`found a = 0, expected 10 / a > 1`:                                "a = 9",
		`found a = "x, b c = 1", b c = 2026-01-31, expected b c = 5`:      "a = a, a a = 9, b c = 9999-99-99",
		`found a = 7, b = 8, expected true`:                               "a = 7, b = 9",
		`found "a\", expected \"secret", expected text in UTF-8`:          `a", aaaaaaaa "aaaaaa`,
		`found other = "Bob", expected x`:                                 `aaaaa = "Aaa"`,
		`found ["Bob", "Ann"], which does not convert to BIGINT`:          "…",
		`found "` + strings.Repeat("z", 199) + `…, expected "b"`:          "a{199}",
		`found a = "` + strings.Repeat("Zz", 99) + `z…, b c = 5, x`:       "a = " + strings.Repeat("Aa", 38) + "…",
		`found 123456789012, expected <= 5`:                               "9{12}",
		"no reason":                                                       "",
		"found ":                                                          "",
	} {
		assert.Equal(t, want, rejects.Form(reason, columns), reason)
	}
}

// valueless is what a form of values alone is made of.
var valueless = regexp.MustCompile(`^(NULL|[9aA·…\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]|\{[0-9]+\})*$`)

// No value, whatever it is made of, is in its form, nor is any beside it.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"", "Bob", "a\", b = 1", strings.Repeat("é", 300), "\xff\x00", `\`, "NULL", "5, c = 6", strings.Repeat(`\"`, 120)} {
		f.Add(seed, 7)
	}
	f.Fuzz(func(t *testing.T, value string, number int) {
		quoted := strconv.Quote(value)
		if utf8.RuneCountInString(quoted) > 200 {
			quoted = string([]rune(quoted)[:200]) + "…"
		}
		form := rejects.Form("found c = "+quoted+", d = "+strconv.Itoa(number)+", expected SECRET", []string{"c", "d"})
		assert.LessOrEqual(t, utf8.RuneCountInString(form), 81)
		rest, found := strings.CutPrefix(form, "c = ")
		assert.True(t, found)
		values := strings.Replace(rest, ", d = ", ", ", 1)
		assert.Regexp(t, valueless, values)
	})
}
