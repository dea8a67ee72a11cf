package validate_test

import (
	"bytes"
	"encoding/json"
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
	rules := parseRules(t, `
- {column: a, not_null: true}
- {name: few, column: b, min: 1, max: '50', on_fail: warn}
- {column: c, in: [A, "B", 1.50], on_fail: fail}
- &base {column: d, max: 2026-01-31}
- {<<: *base, name: other}
`)
	latest := &validate.Literal{Text: "2026-01-31"}
	assert.Equal(t, []validate.Rule{
		{Column: "a", NotNull: true},
		{Name: "few", Column: "b", Min: &validate.Literal{Text: "1"}, Max: &validate.Literal{Text: "50", Quoted: true}, OnFail: validate.Warn},
		{Column: "c", In: []validate.Literal{{Text: "A"}, {Text: "B", Quoted: true}, {Text: "1.50"}}, OnFail: validate.Fail},
		{Column: "d", Max: latest},
		{Name: "other", Column: "d", Max: latest},
	}, rules)
}

func TestYAMLRefuses(t *testing.T) {
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
	} {
		_, err := decodeRules("- " + text + "\n")
		assert.ErrorContains(t, err, want, text)
	}
}

func TestRulesTravelAsJSON(t *testing.T) {
	rules := append(parseRules(t, `
- {column: a, not_null: true, on_fail: fail}
- {name: few, column: b, min: 0.10, max: '50'}
- {column: c, in: [A, "", "é\n", 1_000]}
`), validate.Rule{Column: "d", Min: &validate.Literal{Text: "-4712-01-01"}, Builtin: true})

	raw, err := json.Marshal(rules)
	require.NoError(t, err)
	var got []validate.Rule
	require.NoError(t, json.Unmarshal(raw, &got))
	assert.Equal(t, rules, got)
}

func TestRulesAreNamedAfterWhatTheySay(t *testing.T) {
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
`), validate.Rule{Column: "n", Max: &validate.Literal{Text: "9"}, Builtin: true})
	v, err := validate.Compile(validate.Table{Rules: rules}, schema)
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
		{"n <= 9", validate.Reject, true},
		{"valid utf-8", validate.Reject, true},
	}, got)
}

func TestCompileRefuses(t *testing.T) {
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
		`{column: s, min: a}`:                   {"column s of type utf8", "list the values that pass with in"},
		`{column: b, max: true}`:                {"column b of type bool", "list the values that pass with in"},
		`{column: b, in: [1]}`:                  {"1 is not true or false"},
		`{column: bin, in: [a]}`:                {"column bin of type binary", "only not_null"},
		`{column: ree, not_null: true}`:         {"not_null is not known"},
		`{column: d, min: 2026-02-30}`:          {"is not a date such as"},
		`{column: d, min: 2026-02-03T00:00:00}`: {"is not a date such as"},
		`{column: d, min: 20260203}`:            {"is not a date such as"},
		`{column: ts, min: 2026-02-03T00:00Z}`:  {"without offset"},
		`{column: tz, min: 12:00}`:              {"is not a timestamp such as"},
		`{column: t, max: 24:00}`:               {"is not a time of day"},
		`{column: dur, max: 90}`:                {"90 is not a duration with its unit"},
	} {
		_, err := validate.Compile(validate.Table{Rules: parseRules(t, "- "+rule+"\n")}, schema)
		for _, text := range want {
			assert.ErrorContains(t, err, text, rule)
		}
	}
}
