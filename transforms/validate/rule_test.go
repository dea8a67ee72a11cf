package validate_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/validate"
)

func decodeRules(text string) ([]validate.Rule, error) {
	var rules []validate.Rule
	err := yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.Strict()).Decode(&rules)
	return rules, err
}

func parseRules(t testing.TB, text string) []validate.Rule {
	t.Helper()
	rules, err := decodeRules(text)
	require.NoError(t, err)
	return rules
}

func TestLiteralsStayAsWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]validate.Literal{
		`1`:                      {Text: "1"},
		`-0`:                     {Text: "-0"},
		`0.1`:                    {Text: "0.1"},
		`0.10`:                   {Text: "0.10"},
		`1_000`:                  {Text: "1_000"},
		`0x10`:                   {Text: "0x10"},
		`017`:                    {Text: "017"},
		`1e3`:                    {Text: "1e3"},
		`99999999999999999999.5`: {Text: "99999999999999999999.5"},
		`.inf`:                   {Text: ".inf"},
		`.nan`:                   {Text: ".nan"},
		`true`:                   {Text: "true"},
		`yes`:                    {Text: "yes"},
		`N`:                      {Text: "N"},
		`two words`:              {Text: "two words"},
		`2026-01-31`:             {Text: "2026-01-31"},
		`2026-01-31 12:00:00.5`:  {Text: "2026-01-31 12:00:00.5"},
		`2026-01-31T12:00:00Z`:   {Text: "2026-01-31T12:00:00Z"},
		`5 # five`:               {Text: "5"},
		`&anchor 5`:              {Text: "5"},
		`'0.1'`:                  {Text: "0.1", Quoted: true},
		`"null"`:                 {Text: "null", Quoted: true},
		`""`:                     {Text: "", Quoted: true},
		`'it''s'`:                {Text: "it's", Quoted: true},
		`"é\u00e9\n"`:            {Text: "éé\n", Quoted: true},
		"|-\n    a\n    b":       {Text: "a\nb", Quoted: true},
	} {
		rules, err := decodeRules("- column: c\n  min: " + text + "\n")
		if assert.NoError(t, err, text) {
			assert.Equal(t, &want, rules[0].Min, text)
		}
	}
}

func TestRuleFromYAML(t *testing.T) {
	t.Parallel()
	rules := parseRules(t, `
- {column: a, not_null: true}
- {name: few, column: b, min: 1, max: '50', on_fail: warn}
- {column: c, in: [A, "B", 1.50], on_fail: fail}
- &base {column: d, max: 2026-01-31}
- {<<: *base, name: other}
- {column: e, min_length: 2, max_length: 44, matches: "^[ -~]*$", finite: true, in_file: codes.txt}
- {expr: "a <= b", on_fail: warn}
`)
	two, fortyFour := 2, 44
	latest := &validate.Literal{Text: "2026-01-31"}
	assert.Equal(t, []validate.Rule{
		{Column: "a", NotNull: true},
		{Name: "few", Column: "b", Min: &validate.Literal{Text: "1"}, Max: &validate.Literal{Text: "50", Quoted: true}, OnFail: validate.Warn},
		{Column: "c", In: []validate.Literal{{Text: "A"}, {Text: "B", Quoted: true}, {Text: "1.50"}}, OnFail: validate.Fail},
		{Column: "d", Max: latest},
		{Name: "other", Column: "d", Max: latest},
		{Column: "e", MinLength: &two, MaxLength: &fortyFour, Matches: "^[ -~]*$", Finite: true, InFile: "codes.txt"},
		{Expr: "a <= b", OnFail: validate.Warn},
	}, rules)
}

func TestYAMLRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{column: c, mni: 1}`:                    `[1:15] unknown field "mni"`,
		`{column: c, min: 1, builtin: true}`:     `unknown field "builtin"`,
		`{column: c, min: null}`:                 "min cannot be null",
		`{column: c, max: ~}`:                    "max cannot be null",
		"{column: c, min: 1, max: }":             "max cannot be null",
		`{column: c, in: null}`:                  "in cannot be null",
		`{column: c, min: null, not_null: true}`: "write not_null: true",
		`{column: c, min: [1]}`:                  "[1:20] a rule compares with single values",
		`{column: c, min: {a: 1}}`:               "a rule compares with single values",
		`{column: c, in: [[1]]}`:                 "a rule compares with single values",
		`{column: c, in: [a: 1]}`:                "a rule compares with single values",
		`{column: c, in: [12:30]}`:               "put one that has a colon in quotes",
		`{column: c, min: !!str 1}`:              "a rule compares with single values",
		`{column: c, in: 1}`:                     "sequence is expected",
		`{column: c, not_null: maybe}`:           "cannot unmarshal",
		`{column: c, min_length: null}`:          "min_length cannot be null",
		`{column: c, max_length: }`:              "max_length cannot be null",
		`{column: c, matches: ~}`:                "matches cannot be null",
		`{column: c, min: 1, in_file: }`:         "in_file cannot be null",
		`{expr: null}`:                           "expr cannot be null",
		`{column: c, min_length: many}`:          "cannot unmarshal",
		`{column: c, values: [a]}`:               `unknown field "values"`,
	} {
		_, err := decodeRules("- " + text + "\n")
		assert.ErrorContains(t, err, want, text)
	}
}

func TestRulesTravelAsJSON(t *testing.T) {
	t.Parallel()
	rules := append(parseRules(t, `
- {column: a, not_null: true, on_fail: fail}
- {name: few, column: b, min: 0.10, max: '50'}
- {column: c, in: [A, "", "é\n", 1_000]}
- {column: d, min_length: 0, max_length: 7, matches: "^\\d$", finite: true}
- {expr: "a < b"}
`), validate.Rule{Column: "e", InFile: "codes.txt", Values: []string{"a", " é", "null"}}, validate.Rule{Column: "d", Min: &validate.Literal{Text: "-4712-01-01"}, Builtin: true})

	raw, err := json.Marshal(rules)
	require.NoError(t, err)
	var got []validate.Rule
	require.NoError(t, json.Unmarshal(raw, &got))
	assert.Equal(t, rules, got)
}

func TestRulesAreNamedAfterWhatTheySay(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int32}, {Name: "s", Type: arrow.BinaryTypes.String},
	}, nil)
	rules := append(parseRules(t, `
- {column: n, not_null: true}
- {column: n, min: 1, max: 50}
- {column: s, in: [A, "N", "two words", "", "a,b", "\u200b"]}
- {column: n, not_null: true, min: 0.5, in: [1, 2]}
- {column: n, in: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}
- {name: mine, column: n, max: 1, on_fail: warn}
- {column: s, max_length: 44, matches: "^[ -~]*$"}
- {column: s, not_null: true, min_length: 1, max_length: 2}
- {column: n, finite: true}
- {expr: "n > 1 &&\n   s != \"a  b\""}
- {expr: "n in [LONG]"}
`), validate.Rule{Column: "s", InFile: "/lake/codes.txt", Values: []string{"a"}}, validate.Rule{Column: "n", Max: &validate.Literal{Text: "9"}, Builtin: true})
	for i := range rules {
		rules[i].Expr = strings.Replace(rules[i].Expr, "LONG", strings.Repeat("1234567, ", 50)+"8", 1)
	}
	v, err := validate.Compile(validate.Ruleset{Rules: rules}, schema)
	require.NoError(t, err)

	type row struct {
		name    string
		onFail  validate.OnFail
		builtin bool
	}
	var got []row
	for _, r := range v.Rules() {
		got = append(got, row{r.Name, r.OnFail, r.Builtin})
	}
	assert.Equal(t, []row{
		{"n not null", validate.Reject, false},
		{"n >= 1 and <= 50", validate.Reject, false},
		{`s in [A, N, "two words", "", "a,b", "\u200b"]`, validate.Reject, false},
		{"n not null and >= 0.5 and in [1, 2]", validate.Reject, false},
		{"n in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, and 2 more]", validate.Reject, false},
		{"mine", validate.Warn, false},
		{"s at most 44 characters and matches ^[ -~]*$", validate.Reject, false},
		{"s not null and at least 1 character and at most 2 characters", validate.Reject, false},
		{"n finite", validate.Reject, false},
		{`n > 1 && s != "a b"`, validate.Reject, false},
		{"n in [" + strings.Repeat("1234567, ", 50)[:194] + "…", validate.Reject, false},
		{"s in file codes.txt", validate.Reject, false},
		{"n <= 9", validate.Reject, true},
		{"valid utf-8", validate.Reject, true},
	}, got)
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "l_quantity", Type: &arrow.Decimal128Type{Precision: 15, Scale: 2}},
		{Name: "i", Type: arrow.PrimitiveTypes.Int8},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64},
		{Name: "s", Type: arrow.BinaryTypes.String},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "bin", Type: arrow.BinaryTypes.Binary},
		{Name: "d", Type: arrow.FixedWidthTypes.Date32},
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "tz", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		{Name: "t", Type: arrow.FixedWidthTypes.Time64us},
		{Name: "dur", Type: arrow.FixedWidthTypes.Duration_ms},
		{Name: "ree", Type: arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int8)},
	}, nil)
	for rule, want := range map[string][]string{
		`{column: l_quantty, min: 1}`:           {`rule "l_quantty >= 1"`, "no column l_quantty", "did you mean l_quantity?"},
		`{column: L_QUANTITY, min: 1}`:          {"did you mean l_quantity?"},
		`{min: 1}`:                              {"names no column"},
		`{column: i}`:                           {"no condition"},
		`{column: i, not_null: false}`:          {"no condition"},
		`{column: i, in: []}`:                   {"in is empty"},
		`{column: i, in: [1, null]}`:            {"not_null: true"},
		`{column: i, min: 1, on_fail: abort}`:   {`on_fail is "abort"`, "reject, fail or warn"},
		`{column: i, min: abc}`:                 {"column i of type int8", "abc is not a number"},
		`{column: i, min: 1/2}`:                 {"is not a number"},
		`{column: i, min: 010}`:                 {"is not a number"},
		`{column: i, min: .inf}`:                {"is not a number"},
		`{column: i, max: 1e10000}`:             {"is not a number"},
		`{column: i, min: 50, max: 1}`:          {"no value lies between min 50 and max 1"},
		`{column: i, min: 1.2, max: 1.8}`:       {"no value lies between"},
		`{column: i, min: 1000, max: abc}`:      {"abc is not a number"},
		`{column: f, min: .nan}`:                {"is not a number"},
		`{column: l_quantity, in: [1, x]}`:      {"column l_quantity of type decimal(15, 2)", "x is not a number"},
		`{column: s, min: a}`:                   {"column s of type utf8", "min is not known for this type, which has not_null, in, in_file, min_length, max_length, matches"},
		`{column: b, max: true}`:                {"column b of type bool", "max is not known for this type, which has not_null, in, in_file"},
		`{column: b, in: [1]}`:                  {"1 is not true or false"},
		`{column: bin, in: [a]}`:                {"column bin of type binary", "in is not known for this type, which has not_null"},
		`{column: ree, not_null: true}`:         {"not_null is not known"},
		`{column: d, min: 2026-02-30}`:          {"is not a date such as"},
		`{column: d, min: 2026-02-03T00:00:00}`: {"is not a date such as"},
		`{column: d, min: 20260203}`:            {"is not a date such as"},
		`{column: ts, min: 2026-02-03T00:00Z}`:  {"without offset"},
		`{column: tz, min: 12:00}`:              {"is not a timestamp such as"},
		`{column: t, max: 24:00}`:               {"is not a time of day"},
		`{column: dur, max: 90}`:                {"90 is not a duration with its unit"},

		`{column: i, finite: false}`:                  {"no condition"},
		`{column: d, finite: true}`:                   {"column d of type date32", "finite is not known for this type, which has not_null, min, max, in, in_file"},
		`{column: s, finite: true}`:                   {"column s of type utf8", "finite is not known"},
		`{column: i, max_length: 3}`:                  {"column i of type int8", "max_length is not known for this type, which has not_null, min, max, in, in_file, finite"},
		`{column: bin, min_length: 3}`:                {"min_length is not known"},
		`{column: tz, min: 2026-01-31, matches: "^"}`: {"matches is not known"},
		`{column: s, min_length: -1}`:                 {"min_length is -1", "0 or more"},
		`{column: s, max_length: -2}`:                 {"max_length is -2"},
		`{column: s, min_length: 2, max_length: 1}`:   {"no text has at least 2 characters and at most 1 character"},
		`{column: s, matches: "[a"}`:                  {"missing closing ]", "RE2"},
		`{column: s, matches: '(?<=a)b'}`:             {"invalid named capture"},
		`{column: s, in: [a], in_file: f}`:            {"both in and in_file"},
		`{column: s, in_file: f}`:                     {"in_file f was not read"},
		`{column: s, expr: "s == 'a'"}`:               {"remove column"},
		`{min: 1, matches: a, expr: "s == 'a'"}`:      {"expr stands alone", "move min into"},
		`{not_null: true, expr: "s == 'a'"}`:          {"move not_null into"},
		`{name: mine, expr: "s == 5"}`:                {`rule "mine"`, "character 3", "compares text with integer"},
		`{expr: "i > 1 && quantity > 2"}`:             {`rule "i > 1 && quantity > 2"`, "character 10", "there is no column quantity"},
		`{expr: "l_quantity"}`:                        {"not a condition"},
		`{expr: "f >"}`:                               {"character 4"},
	} {
		_, err := validate.Compile(validate.Ruleset{Rules: parseRules(t, "- "+rule+"\n")}, schema)
		for _, text := range want {
			assert.ErrorContains(t, err, text, rule)
		}
	}
}

func TestCheckNamesTheKeyToCorrect(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		`{column: c, min: 1, on_fail: abort}`:         "on_fail",
		`{min: 1}`:                                    "",
		`{column: c}`:                                 "",
		`{column: c, in: []}`:                         "in",
		`{column: c, in: [1, null]}`:                  "in",
		`{column: c, in: [1], in_file: f}`:            "in_file",
		`{column: c, min: 1, max_length: -1}`:         "max_length",
		`{column: c, min_length: 2, max_length: 1}`:   "max_length",
		`{column: c, matches: "("}`:                   "matches",
		`{column: c, expr: a > b}`:                    "column",
		`{finite: true, expr: a > b}`:                 "finite",
		`{not_null: true, matches: "(", expr: a > b}`: "not_null",
	} {
		key, err := parseRules(t, "- "+rule+"\n")[0].Check()
		assert.Error(t, err, rule)
		assert.Equal(t, want, key, rule)
	}
	for key, rule := range map[string]validate.Rule{
		"min": {Column: "c", Min: &validate.Literal{}}, "max": {Column: "c", Max: &validate.Literal{}},
	} {
		got, err := rule.Check()
		assert.ErrorContains(t, err, "not_null: true")
		assert.Equal(t, key, got)
	}
	for _, rule := range parseRules(t, fiveRules) {
		_, err := rule.Check()
		assert.NoError(t, err)
	}
}
