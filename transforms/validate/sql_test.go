package validate_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/transforms/validate"
)

// sqlSide evaluates conditions by the real hyperd, on rows that it reads from Parquet.
type sqlSide struct {
	conn *hyperd.Conn
	path string
}

// newSQLSide writes a record to a file, with the number of each row.
func newSQLSide(t testing.TB, conn *hyperd.Conn, in arrow.Record) sqlSide {
	numbers := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range in.NumRows() {
		numbers.Append(i)
	}
	fields := append(in.Schema().Fields(), arrow.Field{Name: "row number", Type: arrow.PrimitiveTypes.Int64})
	columns := append(in.Columns(), numbers.NewArray())
	whole := array.NewRecord(arrow.NewSchema(fields, nil), columns, in.NumRows())
	path := filepath.Join(t.TempDir(), "rows.parquet")
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(whole.Schema(), file, parquet.NewWriterProperties(parquet.WithVersion(parquet.V2_LATEST)), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(whole))
	require.NoError(t, w.Close())
	return sqlSide{conn, path}
}

// rows are the numbers of the rows for which a condition is true.
func (s sqlSide) rows(t testing.TB, condition string) []int64 {
	var rows []int64
	sql := fmt.Sprintf(`SELECT "row number" FROM external(%s, format => 'parquet') WHERE %s ORDER BY 1`, hyperd.QuoteText(s.path), condition)
	err := s.conn.Query(t.Context(), sql, func(_ []hyperd.Field, values [][]byte) error {
		n, err := strconv.ParseInt(string(values[0]), 10, 64)
		rows = append(rows, n)
		return err
	})
	require.NoError(t, err, sql)
	return rows
}

// requireAgreement compares what a table makes of a record with what hyperd does, and says
// whether the table has a form in SQL.
func requireAgreement(t testing.TB, conn *hyperd.Conn, table validate.Ruleset, in arrow.Record) bool {
	t.Helper()
	v, err := validate.Compile(table, in.Schema())
	if err != nil {
		require.ErrorContains(t, err, "no value lies between")
		return false
	}
	conditions, reason := v.SQL(nil)
	if reason != "" {
		return false
	}
	judged := map[string][]int64{} // by condition: the rows of which it is not true
	good, rejects, err := v.Apply(batch.Batch{Record: in})
	require.NoError(t, err)
	if rejects != nil {
		judged["rejected"] = rejects.Rows
	}
	side := newSQLSide(t, conn, in)
	require.Equal(t, judged["rejected"], side.rows(t, fmt.Sprintf("(%s) AND NOT (%s)", conditions.Selected, conditions.Kept)), "%v\n%s\n%v", table, conditions.Kept, in)
	require.Len(t, side.rows(t, "NOT ("+conditions.Selected+")"), int(good.Tally.Filtered), "%v\n%s\n%v", table, conditions.Selected, in)
	require.Len(t, side.rows(t, conditions.Kept), int(good.Record.NumRows()))

	for i, rule := range table.Rules { // each by itself, all as warnings
		rule.OnFail = validate.Warn
		table.Rules[i] = rule
	}
	v, err = validate.Compile(table, in.Schema())
	require.NoError(t, err)
	conditions, _ = v.SQL(nil)
	good, _, err = v.Apply(batch.Batch{Record: in})
	require.NoError(t, err)
	broken := int64(0)
	for _, rows := range good.Tally.Failed {
		broken = max(broken, rows)
	}
	unsound := int64(len(side.rows(t, fmt.Sprintf("(%s) AND NOT (%s)", conditions.Selected, conditions.Sound))))
	require.GreaterOrEqual(t, unsound, broken)
	require.Equal(t, broken == 0, unsound == 0)
	return true
}

// sqlColumn is a column whose values hyperd can hold.
func sqlColumn(t testing.TB, r *rand.Rand, dt arrow.DataType, n int) arrow.Array {
	decimal, ok := dt.(*arrow.Decimal128Type)
	if !ok {
		return oracleColumn(t, r, dt, n)
	}
	builder := array.NewDecimal128Builder(memory.DefaultAllocator, decimal)
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimal.Precision)), nil)
	for range n {
		v := unscaled(r, 126)
		if v.Rem(v, most); r.IntN(10) == 0 {
			builder.AppendNull()
		} else {
			builder.Append(decimal128.FromBigInt(v))
		}
	}
	return builder.NewArray()
}

func TestRulesAgreeWithHyperd(t *testing.T) {
	for i, dt := range []arrow.DataType{
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16,
		arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
		&arrow.Decimal128Type{Precision: 38}, &arrow.Decimal128Type{Precision: 15, Scale: 2}, &arrow.Decimal128Type{Precision: 38, Scale: 37}, &arrow.Decimal128Type{Precision: 5, Scale: 5},
		arrow.FixedWidthTypes.Date32, &arrow.TimestampType{Unit: arrow.Millisecond}, &arrow.TimestampType{Unit: arrow.Microsecond},
	} {
		t.Run(dt.String(), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(17, uint64(i)))
			conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
			inSQL := 0
			for range 40 {
				arr := sqlColumn(t, r, dt, 1+r.IntN(150))
				rule, _ := oracleRule(t, r, dt)
				if requireAgreement(t, conn, validate.Ruleset{Rules: []validate.Rule{rule}}, record("c", arr)) {
					inSQL++
				}
			}
			assert.Positive(t, inSQL)
		})
	}
}

func TestWholeRowsAgreeWithHyperd(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(19, 20))
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	conditions := []string{
		"", "n > 0", "!(s == 'a')", "d <= e || n == null", "f != f", "!(f < 0.5)", "s in ['a', 'b', '1 ']", "s.matches('^a')", "!(n in [0, 1]) && f >= 0.0",
		"s < 'b'", "s >= 'é'", "!(f == f) || n != null", "n < m", "d == date('1970-01-02')", "!(d > date('1970-01-01'))",
	}
	inSQL := 0
	for range 150 {
		rows := make([]oracleRow, 1+r.IntN(100))
		for j := range rows {
			for rows[j] = randomRow(r); rows[j].s != nil && !utf8.ValidString(*rows[j].s); rows[j] = randomRow(r) {
			}
		}
		var text strings.Builder
		for range r.IntN(4) {
			fmt.Fprintf(&text, "- %s\n", judgedRules[r.IntN(len(judgedRules))].rule)
		}
		for range r.IntN(2) {
			fmt.Fprintf(&text, "- {expr: \"%s\"}\n", conditions[1+r.IntN(len(conditions)-1)])
		}
		table := validate.Ruleset{Where: conditions[r.IntN(len(conditions))]}
		if text.Len() > 0 {
			table.Rules = parseRules(t, text.String())
		}
		if requireAgreement(t, conn, table, recordOf(t, arrow.BinaryTypes.String, nil, rows)) {
			inSQL++
		}
	}
	assert.Greater(t, inSQL, 60)
}

func TestPatternsAgreeWithHyperd(t *testing.T) {
	t.Parallel()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	pieces := []string{"a", "B", "1", "_", "-", " ", "\n", "\r\n", "é", "e\u0301", "ß", "ſ", "K", "\u2003", "\u00a0", "😀", "'", `\`, `"`, "", "İ"}
	r := rand.New(rand.NewPCG(21, 22))
	var texts []string
	for range 400 {
		var s strings.Builder
		for range r.IntN(6) {
			s.WriteString(pieces[r.IntN(len(pieces))])
		}
		texts = append(texts, s.String())
	}
	in := record("s", textColumn(t, arrow.BinaryTypes.String, texts, make([]bool, len(texts))))
	inSQL := 0
	for _, pattern := range []string{
		"", "^", "$", "^$", `\A`, `\z`, "(?m)^a", "(?m)a$", ".", "^.$", "(?s)^.$", "(?s).a", `\d`, `\D`, `\w+`, `\W`, `\s`, `\S`, `\b`, `\B`, `^\b`, "[a-z]", "[^a-z]", "[[:alpha:]]", "[[:^space:]]",
		`\pL`, `\p{Greek}`, `\PL`, "a|B", "(a|B)+", "a*?B", "a{2,3}", "(?:ab)?", "é", "[é-ſ]", `\x{1F600}`, `\x41`, "'", `"`, `\\`, `\Q.*\E`, "(?i)k", "(?i)a", "(?i)[a-c]", "^[ -~]*$", "(?U)a+", "[^\n]", `\n`, `[\s\S]`, `(?P<x>a)B`, "a{0}", "(|a)", "^(?:A|B|N)$",
	} {
		rule := validate.Rule{Column: "s", Matches: pattern}
		if pattern != "" && requireAgreement(t, conn, validate.Ruleset{Rules: []validate.Rule{rule}}, in) {
			inSQL++
		}
	}
	assert.Greater(t, inSQL, 40)
}

func TestWhatHasNoSQLForm(t *testing.T) {
	t.Parallel()
	row := recordOf(t, arrow.BinaryTypes.String, nil, []oracleRow{{}})
	for text, reason := range map[string]string{
		`{expr: n / m >= 1}`:              `rule "n / m >= 1" has no SQL form`,
		`{expr: s.contains('a')}`:         `has no SQL form`,
		`{expr: n + 1 > 0}`:               `has no SQL form`,
		`{column: f, min: .inf}`:          `has no SQL form`,
		`{column: s, matches: '(?i)k'}`:   `has no SQL form`,
		`{column: n, in: [1, 1.5]}`:       `has no SQL form`,
		`{column: d, min: -4712-01-01}`:   `has no SQL form`,
		`{column: s, in: ["a\0b"]}`:       `has no SQL form`,
		`{expr: "s.matches('^[A-Z]+$')"}`: "",
		`{column: n, min: 0.5, max: 10}`:  "",
	} {
		rules, err := decodeRules("- " + text)
		require.NoError(t, err, text)
		v, err := validate.Compile(validate.Ruleset{Rules: rules}, row.Schema())
		require.NoError(t, err, text)
		_, got := v.SQL(nil)
		if reason == "" {
			assert.Empty(t, got, text)
		} else {
			assert.ErrorContains(t, fmt.Errorf("%s", got), reason, text)
		}
	}
}
