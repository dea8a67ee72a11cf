package validate_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/transforms/validate"
)

// setFile is a rule on column c with a file of that text.
func setFile(t testing.TB, text string) validate.Rule {
	t.Helper()
	path := filepath.Join(t.TempDir(), "codes.txt")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return validate.Rule{Column: "c", InFile: path}
}

func TestReadSets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"a\nb\n":                {"a", "b"},
		"a\nb":                  {"a", "b"},
		"\ufeffa\r\nb\r\n":      {"a", "b"},
		"\n\na\n\r\n \n\nb\n\n": {"a", " ", "b"},
		" a \t\n# b\n\"c\"\n":   {" a \t", "# b", `"c"`},
		"žluť\n\U0001f600\n":    {"žluť", "\U0001f600"},
		"a\rb\n":                {"a\rb"},
		"a\na\n":                {"a", "a"},
	} {
		rules := []validate.Rule{{Column: "b", NotNull: true}, setFile(t, text)}
		got, err := validate.ReadSets(context.Background(), rules)
		require.NoError(t, err, "%q", text)
		assert.Equal(t, want, got[1].Values, "%q", text)
		assert.Equal(t, rules[0], got[0])
		assert.Nil(t, rules[1].Values, "the rules given stay as they are")
	}
}

func TestReadSetsRefuses(t *testing.T) {
	t.Parallel()
	large := setFile(t, "")
	require.NoError(t, os.Truncate(large.InFile, 16<<20+1))
	none := setFile(t, "a")
	require.NoError(t, os.Remove(none.InFile))
	for _, test := range []struct {
		rule    validate.Rule
		message string
	}{
		{setFile(t, ""), "it has no value"},
		{setFile(t, "\ufeff\r\n\n"), "it has no value"},
		{setFile(t, "a\n\nb\xff\n"), "line 3 is not UTF-8"},
		{setFile(t, "\xff\xfea\x00\n\x00"), "line 1 is not UTF-8"},
		{setFile(t, strings.Repeat("a\n", 1_000_001)), "it has more than 1000000 values"},
		{large, "it has 16777217 bytes; at most 16 MiB are read"},
		{none, "there is no such file"},
		{validate.Rule{Column: "c", InFile: filepath.Dir(none.InFile)}, "it is a folder"},
		{validate.Rule{Column: "c", InFile: "hdfs://b/codes.txt"}, "storage of scheme"},
	} {
		_, err := validate.ReadSets(context.Background(), []validate.Rule{test.rule})
		require.ErrorContains(t, err, test.message)
		assert.ErrorContains(t, err, `rule "c in file `+filepath.Base(test.rule.InFile)+`": in_file `+test.rule.InFile)
		refused := failure.Of(err, failure.Engine)
		assert.Equal(t, failure.Config, refused.Kind)
		assert.True(t, refused.Early)
	}
}

func TestReadSetsFromABucket(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	rule := validate.Rule{Column: "c", InFile: storage.Join(bucket, "codes", "a.txt")}
	_, err := validate.ReadSets(t.Context(), []validate.Rule{rule})
	require.ErrorContains(t, err, "there is no such file")

	store, err := storage.For(rule.InFile)
	require.NoError(t, err)
	require.NoError(t, store.Put(t.Context(), rule.InFile, []byte("a\r\nb")))
	rules, err := validate.ReadSets(t.Context(), []validate.Rule{rule})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, rules[0].Values)
}

func TestReadSetsCanBeInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := validate.ReadSets(ctx, []validate.Rule{setFile(t, "a\n")})
	require.ErrorIs(t, err, context.Canceled)
}

// Lines mean what they would mean in quotes after in.
func TestSetsOfFilesByType(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		dt           arrow.DataType
		values, text string
		broken       []int64
	}{
		{arrow.BinaryTypes.String, `["a", "b", "", "b ", "5", null]`, "a\n5\n\nb\n", []int64{2, 3}},
		{arrow.PrimitiveTypes.Int32, `[5, 6, -7, null]`, "5.0\n-7\n99999999999\n", []int64{1}},
		{&arrow.Decimal128Type{Precision: 9, Scale: 2}, `["500", "501", null]`, "5\n5.01\n5.011", nil},
		{arrow.PrimitiveTypes.Float64, `[0.1, "NaN", "Inf", null]`, "0.1\n.inf\n", []int64{1}},
		{arrow.FixedWidthTypes.Date32, `[0, 1, null]`, "1970-01-01\n", []int64{1}},
		{arrow.FixedWidthTypes.Boolean, `[true, false, null]`, "true\n", []int64{1}},
	} {
		rules, err := validate.ReadSets(context.Background(), []validate.Rule{setFile(t, test.text)})
		require.NoError(t, err)
		in := record("c", column(t, test.dt, test.values))
		v, err := validate.Compile(validate.Ruleset{Rules: rules}, in.Schema())
		require.NoError(t, err)
		assert.Equal(t, test.broken, brokenRows(t, v, in), test.dt)
		assert.Nil(t, v.Rules()[0].Values, "the description of a rule holds no set")
	}
	rules, err := validate.ReadSets(context.Background(), []validate.Rule{setFile(t, "5\nfive\n")})
	require.NoError(t, err)
	in := record("c", column(t, arrow.PrimitiveTypes.Int32, `[5]`))
	_, err = validate.Compile(validate.Ruleset{Rules: rules}, in.Schema())
	require.ErrorContains(t, err, "five is not a number")
}

func TestLargeSets(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 100_000 {
		text.WriteString(strconv.Itoa(2*i) + "\n")
	}
	rules, err := validate.ReadSets(context.Background(), []validate.Rule{setFile(t, text.String())})
	require.NoError(t, err)
	for _, in := range []arrow.Record{
		record("c", column(t, arrow.PrimitiveTypes.Int64, `[-2, 0, 1, 99999, 100000, 199998, 200000, null]`)),
		record("c", column(t, arrow.BinaryTypes.String, `["-2", "0", "1", "99999", "100000", "199998", "200000", null]`)),
	} {
		v, err := validate.Compile(validate.Ruleset{Rules: rules}, in.Schema())
		require.NoError(t, err)
		assert.Equal(t, []int64{0, 2, 3, 6}, brokenRows(t, v, in))
	}
}
