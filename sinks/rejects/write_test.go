package rejects_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/internal/wire"
	"hyperlake/runners/direct/directtest"
	"hyperlake/sinks/rejects"
)

func init() {
	beam.RegisterFunction(makeRejects)
	beam.RegisterDoFn(&describeFn{})
	beam.RegisterType(reflect.TypeFor[describeFn]())
}

func makeRejects(_ []byte, emit func(batch.Rejects)) {
	emit(rejectsOf("a.parquet", 1, 3, 5))
	emit(rejectsOf("b.parquet", 7))
	other := rejectsOf("c.parquet", 9, 11)
	other.Table = 1
	emit(other)
}

// describeFn describes bundles in words without what differs between attempts.
type describeFn struct{ Staging string }

func (fn *describeFn) ProcessElement(b rejects.Account, emit func(string)) {
	for i, file := range b.Files {
		relative, err := filepath.Rel(filepath.Join(fn.Staging, "rejects"), file.URI)
		if err != nil || len(file.SHA256) != 64 || file.Bytes == 0 || len(relative) != len("01234567-89ab-cdef-0123-456789abcdef.parquet") {
			emit("an odd file " + file.URI)
		}
		b.Files[i] = rejects.File{Rows: file.Rows}
	}
	text, _ := json.Marshal(b)
	emit(string(text))
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	staging := t.TempDir()
	result, err := directtest.Run(t, func(s beam.Scope) []beam.PCollection {
		bundles := rejects.Write(s, beam.ParDo(s, makeRejects, beam.Impulse(s)), rejects.Params{Staging: staging, Tables: []rejects.Keep{
			{Rules: ruleNames, Write: true}, {Rules: ruleNames, Values: true},
		}})
		return []beam.PCollection{beam.ParDo(s, &describeFn{staging}, bundles)}
	})
	require.NoError(t, err)
	assert.Equal(t, []string{
		`{"table":0,"rows":4,"rules":[0,4,1],"files":[{"uri":"","bytes":0,"rows":4,"sha256":""}],"samples":[` +
			`{"rule":1,"file":"a.parquet","row_group":2,"row":1,"form":"aaa"},{"rule":1,"file":"a.parquet","row_group":2,"row":3,"form":"aaa"},` +
			`{"rule":1,"file":"a.parquet","row_group":2,"row":5,"form":"aaa"},{"rule":2,"file":"a.parquet","row_group":2,"row":3,"form":"aaaaa"}]}`,
		`{"table":1,"rows":2,"rules":[0,2,1],"samples":[` +
			`{"rule":1,"file":"c.parquet","row_group":2,"row":9,"form":"aaa","reason":"found odd, expected even"},` +
			`{"rule":1,"file":"c.parquet","row_group":2,"row":11,"form":"aaa","reason":"found odd, expected even"},` +
			`{"rule":2,"file":"c.parquet","row_group":2,"row":9,"form":"aaaaa","reason":"found large, expected small"}]}`,
	}, result.Lines[0])
	entries, err := os.ReadDir(filepath.Join(staging, "rejects"))
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestFilesHoldTheRowsAndWhatWasWrong(t *testing.T) {
	t.Parallel()
	bundle, err := rejects.WriteLimited(t.Context(), t.TempDir(), rejects.Keep{Rules: ruleNames, Write: true},
		10, math.MaxInt64, 100, math.MaxInt64, []batch.Rejects{rejectsOf("a.parquet", 1<<40), rejectsOf("gs://lake/b.parquet", 3, 4)})
	require.NoError(t, err)
	records := readBack(t, urisOf(bundle.Files)...)
	require.Len(t, records, 1)
	texts := arrow.ListOfNonNullable(arrow.BinaryTypes.String)
	columns := arrow.NewSchema(append(source.Fields(),
		arrow.Field{Name: "_file", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "_row_group", Type: arrow.PrimitiveTypes.Int32},
		arrow.Field{Name: "_row", Type: arrow.PrimitiveTypes.Int64},
		arrow.Field{Name: "_rules", Type: texts}, arrow.Field{Name: "_reasons", Type: texts},
	), nil)
	expected, _, err := array.RecordFromJSON(memory.DefaultAllocator, columns, strings.NewReader(`[
		{"id": 1099511627776, "_file": "a.parquet", "_row_group": 2, "_row": 1099511627776,
			"_rules": ["id is even"], "_reasons": ["found odd, expected even"]},
		{"id": 3, "_file": "gs://lake/b.parquet", "_row_group": 2, "_row": 3,
			"_rules": ["id is even", "id is small"], "_reasons": ["found odd, expected even", "found large, expected small"]},
		{"id": 4, "_file": "gs://lake/b.parquet", "_row_group": 2, "_row": 4,
			"_rules": ["id is even"], "_reasons": ["found odd, expected even"]}]`))
	require.NoError(t, err)
	assert.True(t, expected.Schema().Equal(records[0].Schema()), records[0].Schema())
	for i, column := range expected.Columns() {
		if expected.ColumnName(i) != "text" { // which JSON cannot hold
			assert.True(t, array.Equal(column, records[0].Column(i)), "%v", records[0].Column(i))
		}
	}
	assert.Equal(t, "\xff not UTF-8", records[0].Column(1).(*array.String).Value(2))
}

func TestLargeFilesAreSeveral(t *testing.T) {
	t.Parallel()
	var all []batch.Rejects
	for i := range int64(40) {
		all = append(all, rejectsOf("a.parquet", i, i+1000, i+2000))
	}
	table := rejects.Keep{Rules: ruleNames, Write: true}
	for name, c := range map[string]struct {
		groupRows, groupBytes, fileRows, fileBytes int64
		files                                      []int64 // their rows
	}{
		"by rows":            {10, math.MaxInt64, 50, math.MaxInt64, []int64{60, 60}}, // groups of 12
		"by bytes":           {math.MaxInt64, 1, math.MaxInt64, 1, repeated(3, 40)},
		"the rest at an end": {7, math.MaxInt64, 100, math.MaxInt64, []int64{108, 12}}, // groups of 9
		"one":                {math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, []int64{120}},
	} {
		t.Run(name, func(t *testing.T) {
			bundle, err := rejects.WriteLimited(t.Context(), t.TempDir(), table, c.groupRows, c.groupBytes, c.fileRows, c.fileBytes, all)
			require.NoError(t, err)
			var rows []int64
			for _, file := range bundle.Files {
				rows = append(rows, file.Rows)
				assert.Equal(t, file.Rows, rowCount(readBack(t, file.URI)))
			}
			assert.Equal(t, c.files, rows)
			assert.EqualValues(t, 120, bundle.Rows)
		})
	}
}

func repeated(value int64, times int) []int64 {
	var values []int64
	for range times {
		values = append(values, value)
	}
	return values
}

func TestFilesOfOtherColumns(t *testing.T) {
	t.Parallel()
	other := rejectsOf("b.parquet", 5)
	other.Record = array.NewRecord(arrow.NewSchema(source.Fields()[:1], nil), other.Record.Columns()[:1], 1)
	bundle, err := rejects.WriteLimited(t.Context(), t.TempDir(), rejects.Keep{Rules: ruleNames, Write: true},
		100, math.MaxInt64, 100, math.MaxInt64, []batch.Rejects{rejectsOf("a.parquet", 1), other, other})
	require.NoError(t, err)
	records := readBack(t, urisOf(bundle.Files)...)
	require.Len(t, records, 2)
	assert.EqualValues(t, []int64{7, 6}, []int64{records[0].NumCols(), records[1].NumCols()})
	assert.EqualValues(t, 3, rowCount(records))
}

// play runs a bundle as a runner does.
func play(t *testing.T, fn *rejects.WriteFn, all ...batch.Rejects) ([]rejects.Account, error) {
	var bundles []rejects.Account
	emit := func(b rejects.Account) { bundles = append(bundles, b) }
	fn.StartBundle(t.Context(), emit)
	for _, r := range all {
		if err := fn.ProcessElement(t.Context(), r, emit); err != nil {
			return nil, err
		}
	}
	err := fn.FinishBundle(t.Context(), emit)
	return bundles, err
}

func newFn(t *testing.T, staging string) *rejects.WriteFn {
	fn := &rejects.WriteFn{Params: wire.Pack(rejects.Params{Staging: staging, Tables: []rejects.Keep{{Rules: ruleNames, Write: true}}})}
	require.NoError(t, fn.Setup())
	return fn
}

func TestAttemptsThatFailLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	fn := newFn(t, t.TempDir())
	wrong := rejectsOf("a.parquet", 1)
	wrong.Rules[0][0] = 3
	_, err := play(t, fn, rejectsOf("a.parquet", 1, 3), wrong)
	assertKind(t, err, failure.Engine, "row 1 broke rule 3 of 3")

	// A bundle that ended without its FinishBundle, for a reason that the sink did not see.
	fn.StartBundle(t.Context(), nil)
	require.NoError(t, fn.ProcessElement(t.Context(), rejectsOf("a.parquet", 1, 3), nil))

	bundles, err := play(t, fn, rejectsOf("a.parquet", 3))
	require.NoError(t, err)
	require.Len(t, bundles, 1)
	assert.EqualValues(t, 1, bundles[0].Rows)
	assert.EqualValues(t, 1, rowCount(readBack(t, urisOf(bundles[0].Files)...)))

	again, err := play(t, fn, rejectsOf("a.parquet", 3))
	require.NoError(t, err)
	assert.NotEqual(t, bundles[0].Files[0].URI, again[0].Files[0].URI)
	assert.Equal(t, bundles[0].Files[0].SHA256, again[0].Files[0].SHA256)

	bundles, err = play(t, fn)
	require.NoError(t, err)
	assert.Empty(t, bundles, "a bundle without rejects")
}

func assertKind(t *testing.T, err error, kind failure.Kind, message string) {
	t.Helper()
	require.Error(t, err)
	found, ok := failure.Decode(err.Error())
	if !ok {
		found = failure.Of(err, "")
	}
	assert.Equal(t, kind, found.Kind)
	assert.Contains(t, found.Message, message)
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	for message, spoil := range map[string]func(r *batch.Rejects){
		"of table 1, but the run has 1": func(r *batch.Rejects) { r.Table = 1 },
		"of table -1":                   func(r *batch.Rejects) { r.Table = -1 },
		"2 rejects with 3 rows":         func(r *batch.Rejects) { r.Rows = r.Rows[:2] },
		"the rules of 1":                func(r *batch.Rejects) { r.Rules = r.Rules[:1] },
		"the reasons of 0":              func(r *batch.Rejects) { r.Reasons = nil },
		"row 3 broke 2 rules for 0":     func(r *batch.Rejects) { r.Reasons[1] = nil },
		"row 1 broke rule -1":           func(r *batch.Rejects) { r.Rules[0][0] = -1 },
	} {
		r := rejectsOf("a.parquet", 1, 3, 5)
		spoil(&r)
		_, err := play(t, newFn(t, t.TempDir()), r)
		assertKind(t, err, failure.Engine, message)
	}
}

func TestStagingThatFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := play(t, newFn(t, file), rejectsOf("a.parquet", 1))
	assertKind(t, err, failure.Storage, "write rejects to "+file)

	bucket, faults := storagetest.FakeGCS(t)
	fn := newFn(t, bucket+"/run")
	faults.Inject(storagetest.Fault{On: storagetest.Write, Status: http.StatusForbidden})
	_, err = play(t, fn, rejectsOf("a.parquet", 1))
	assertKind(t, err, failure.Storage, "write rejects to "+bucket+"/run/rejects/")

	faults.Heal()
	bundles, err := play(t, fn, rejectsOf("a.parquet", 1))
	require.NoError(t, err)
	require.Len(t, bundles, 1)
	assert.NotEmpty(t, bundles[0].Files[0].Version)
	assert.EqualValues(t, 1, rowCount(readBack(t, urisOf(bundles[0].Files)...)))
}

func TestCancelledBundle(t *testing.T) {
	t.Parallel()
	fn := newFn(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	fn.StartBundle(ctx, nil)
	require.NoError(t, fn.ProcessElement(ctx, rejectsOf("a.parquet", 1), nil))
	cancel()
	require.ErrorContains(t, fn.FinishBundle(ctx, nil), context.Canceled.Error())
}

func TestParamsThatDoNotDecode(t *testing.T) {
	t.Parallel()
	require.Error(t, (&rejects.WriteFn{Params: wire.Params[rejects.Params]{JSON: []byte("{")}}).Setup())
}

func TestCheckNames(t *testing.T) {
	t.Parallel()
	require.NoError(t, rejects.CheckNames(source))
	for _, name := range []string{"_file", "_row_group", "_row", "_rules", "_reasons"} {
		err := rejects.CheckNames(arrow.NewSchema([]arrow.Field{{Name: name, Type: arrow.PrimitiveTypes.Int8}}, nil))
		assertKind(t, err, failure.Config, `column "`+name+`"`)
		assert.True(t, failure.Of(err, "").Early)
	}
	require.NoError(t, rejects.CheckNames(arrow.NewSchema([]arrow.Field{{Name: "_File", Type: arrow.PrimitiveTypes.Int8}}, nil)))
}
