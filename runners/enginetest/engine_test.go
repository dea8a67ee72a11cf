package enginetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/runners/engine"
	"hyperlake/runners/enginetest"
)

func init() {
	beam.RegisterDoFn(&wordsFn{})
	beam.RegisterDoFn(&joinFn{})
	beam.RegisterDoFn(&recordFn{})
	beam.RegisterDoFn(&waitFn{})
	beam.RegisterDoFn(&onceFn{})
	beam.RegisterDoFn(&sideFn{})
}

// board is what DoFns of all attempts write on, by the name of a test.
var board = struct {
	sync.Mutex
	lines map[string][]string
}{lines: map[string][]string{}}

func note(test, line string) (before int) {
	board.Lock()
	defer board.Unlock()
	before = len(board.lines[test])
	board.lines[test] = append(board.lines[test], line)
	return before
}

func noted(test string) []string {
	board.Lock()
	defer board.Unlock()
	return slices.Clone(board.lines[test])
}

// wordsFn emits numbers as words, by their remainder.
type wordsFn struct{ Words int }

func (fn *wordsFn) ProcessElement(_ []byte, emit func(int, string)) {
	for i := range fn.Words {
		emit(i%7, fmt.Sprint(i))
	}
}

// joinFn joins the words of a group, sorted, and emits them when the bundle ends.
type joinFn struct {
	Test string

	joined map[int]string
}

func (fn *joinFn) StartBundle(_ func(int, string)) {
	note(fn.Test, "bundle")
	if fn.joined != nil {
		note(fn.Test, "the instance is not new")
	}
	fn.joined = map[int]string{}
}

func (fn *joinFn) ProcessElement(key int, words func(*string) bool, _ func(int, string)) {
	var all []string
	for word := ""; words(&word); {
		all = append(all, word)
	}
	if key == 0 {
		note(fn.Test+" order", strings.Join(all, " "))
	}
	slices.Sort(all)
	fn.joined[key] = strings.Join(all, " ")
}

func (fn *joinFn) FinishBundle(emit func(int, string)) {
	for _, text := range fn.joined {
		emit(0, text)
	}
}

// recordFn notes what has come of two collections.
type recordFn struct{ Test string }

func (fn *recordFn) ProcessElement(_ int, a, b func(*string) bool) {
	var all []string
	for text := ""; a(&text); {
		all = append(all, text)
	}
	slices.Sort(all)
	n := 0
	for text := ""; b(&text); {
		n++
	}
	note(fn.Test+" result", fmt.Sprint(strings.Join(all, ","), "; ", n))
}

// build groups words, joins the groups with each other and with those of a second branch.
func build(test string) func(beam.Scope) {
	return func(s beam.Scope) {
		words := beam.ParDo(s, &wordsFn{Words: 21}, beam.Impulse(s))
		joined := beam.ParDo(s, &joinFn{Test: test}, beam.GroupByKey(s, words))
		more := beam.ParDo(s, &wordsFn{Words: 1}, beam.Impulse(s))
		beam.ParDo0(s, &recordFn{Test: test}, beam.CoGroupByKey(s, beam.Flatten(s, joined, more), more))
	}
}

func jobOf(build func(beam.Scope)) engine.Job { return engine.Job{Build: build} }

func TestEveryBundleRunsTwiceAndCountsOnce(t *testing.T) {
	t.Parallel()
	var all enginetest.Attempts
	orders := map[string]bool{}
	for seed := range uint64(30) {
		test := fmt.Sprint(t.Name(), seed)
		engine := enginetest.New(seed)
		require.NoError(t, engine.Run(t.Context(), jobOf(build(test))))
		for _, result := range noted(test + " result") {
			assert.Equal(t, "0,0 14 7,1 15 8,10 17 3,11 18 4,12 19 5,13 20 6,16 2 9; 1", result)
		}
		assert.NotEmpty(t, noted(test+" result"))
		assert.NotContains(t, noted(test), "the instance is not new")
		for _, order := range noted(test + " order") {
			orders[order] = true
		}
		n := engine.Attempts()
		assert.GreaterOrEqual(t, n.Lost+n.Late+n.CutOff+n.Cancelled, n.Counted)
		all.Lost, all.Late, all.CutOff, all.Cancelled = all.Lost+n.Lost, all.Late+n.Late, all.CutOff+n.CutOff, all.Cancelled+n.Cancelled
	}
	for what, n := range map[string]int{"lost": all.Lost, "late": all.Late, "cut off": all.CutOff, "cancelled": all.Cancelled} {
		assert.Greater(t, n, 20, what)
	}
	assert.Len(t, orders, 6, "the values of a group come in any order")
}

// The same seed makes the same attempts.
func TestSeedsDecide(t *testing.T) {
	t.Parallel()
	attempts := map[enginetest.Attempts]bool{}
	for _, seed := range []uint64{1, 1, 1, 2} {
		engine := enginetest.New(seed)
		require.NoError(t, engine.Run(t.Context(), jobOf(build(t.Name()))))
		attempts[engine.Attempts()] = true
	}
	assert.Len(t, attempts, 2)
}

// onceFn is what no DoFn may be: it fails when something was there before.
type onceFn struct{ Test string }

func (fn *onceFn) ProcessElement(_ []byte) error {
	if note(fn.Test, "was here") > 0 {
		return failure.Encode(failure.New(failure.Storage, "it is there %q", "already").WithHint("do not do this"), failure.Engine)
	}
	return nil
}

// What must not be repeated fails, and the failure arrives whole.
func TestWhatMustNotBeRepeatedFails(t *testing.T) {
	t.Parallel()
	failed := 0
	for seed := range uint64(10) {
		test := fmt.Sprint(t.Name(), seed)
		err := enginetest.New(seed).Run(t.Context(), jobOf(func(s beam.Scope) { beam.ParDo0(s, &onceFn{Test: test}, beam.Impulse(s)) }))
		if err == nil {
			continue
		}
		failed++
		var got *failure.Error
		require.ErrorAs(t, err, &got)
		assert.Equal(t, failure.Storage, got.Kind)
		assert.Equal(t, `it is there "already"`, got.Message)
		assert.Equal(t, "do not do this", got.Hint)
	}
	assert.GreaterOrEqual(t, failed, 3)
}

func TestJobsAreGivenUp(t *testing.T) {
	t.Parallel()
	fatal := 0
	for seed := range uint64(10) {
		test := fmt.Sprint(t.Name(), seed)
		engine := enginetest.New(seed).GiveUp(1)
		err := engine.Run(t.Context(), jobOf(build(test)))
		n := engine.Attempts().Fatal
		require.Equal(t, n > 0, err != nil)
		if fatal += n; n > 0 {
			failed := failure.Of(err, "none")
			assert.Equal(t, failure.Engine, failed.Kind)
			assert.True(t, failed.Retry)
		}
		require.NoError(t, engine.Run(t.Context(), jobOf(build(test))), "only one is")
	}
	assert.GreaterOrEqual(t, fatal, 3)
}

type waitFn struct{}

func (*waitFn) ProcessElement(ctx context.Context, _ []byte) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestCancellingEndsTheJob(t *testing.T) {
	t.Parallel()
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(stop) })
	err := enginetest.New(3).Run(ctx, jobOf(func(s beam.Scope) { beam.ParDo0(s, &waitFn{}, beam.Impulse(s)) }))
	require.ErrorIs(t, err, stop)
}

type sideFn struct{}

func (*sideFn) ProcessElement(_, _ []byte) {}

func TestSideInputsAreRefused(t *testing.T) {
	t.Parallel()
	err := enginetest.New(1).Run(t.Context(), jobOf(func(s beam.Scope) {
		impulse := beam.Impulse(s)
		beam.ParDo0(s, &sideFn{}, impulse, beam.SideInput{Input: impulse})
	}))
	require.ErrorContains(t, err, "side inputs")
}
