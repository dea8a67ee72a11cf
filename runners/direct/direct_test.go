package direct_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/runners/direct"
	"hyperlake/runners/direct/directtest"
)

func init() {
	beam.RegisterDoFn(&numbersFn{})
	beam.RegisterDoFn(&joinFn{})
	beam.RegisterDoFn(&meetFn{})
	beam.RegisterDoFn(&failFn{})
	beam.RegisterDoFn(&sideFn{})
}

var emitted = beam.NewCounter("hyperlake", "emitted")

// numbersFn emits numbers, as words, by their remainder.
type numbersFn struct{ Numbers, Keys int }

func (fn *numbersFn) ProcessElement(ctx context.Context, _ []byte, emit func(int, string)) {
	for i := range fn.Numbers {
		emitted.Inc(ctx, 1)
		emit(i%fn.Keys, fmt.Sprint(i))
	}
}

// joinFn joins the words of each group, and emits those of its bundle when that ends.
type joinFn struct {
	open   bool
	groups []string
}

func (fn *joinFn) StartBundle(_ func(string)) { fn.open, fn.groups = true, nil }

func (fn *joinFn) ProcessElement(key int, words func(*string) bool, _ func(string)) error {
	if !fn.open {
		return errors.New("the bundle was not started")
	}
	all := []string{fmt.Sprint(key, ":")}
	for word := ""; words(&word); {
		all = append(all, word)
	}
	fn.groups = append(fn.groups, strings.Join(all, " "))
	return nil
}

func (fn *joinFn) FinishBundle(emit func(string)) {
	for _, group := range fn.groups {
		emit(group)
	}
	fn.open = false
}

func TestEachElementCountsOnce(t *testing.T) {
	t.Parallel()
	result, err := directtest.Run(t, func(s beam.Scope) []beam.PCollection {
		a := beam.ParDo(s, &numbersFn{Numbers: 12, Keys: 5}, beam.Impulse(s))
		b := beam.ParDo(s, &numbersFn{Numbers: 2, Keys: 1}, beam.Impulse(s))
		return []beam.PCollection{
			beam.ParDo(s, &joinFn{}, beam.GroupByKey(s, beam.Flatten(s, a, b))),
			beam.ParDo(s, &joinFn{}, beam.GroupByKey(s, b)),
		}
	})
	require.NoError(t, err)
	assert.Len(t, result.Lines[0], 5)
	assert.Equal(t, []string{"1: 1 6 11", "2: 2 7", "3: 3 8", "4: 4 9"}, result.Lines[0][1:])
	words := strings.Fields(result.Lines[0][0])
	slices.Sort(words)
	assert.Equal(t, []string{"0", "0", "0:", "1", "10", "5"}, words)
	assert.Equal(t, []string{"0: 0 1"}, result.Lines[1])
	assert.Equal(t, map[string]int64{"emitted": 14}, result.Counts)
}

// meeting is where the bundles of a test meet.
var meetings sync.Map

type meeting struct {
	wanted   int64
	there    atomic.Int64
	all      chan struct{}
	elements atomic.Int64
}

func newMeeting(t *testing.T, wanted int64) *meeting {
	m := &meeting{wanted: wanted, all: make(chan struct{})}
	meetings.Store(t.Name(), m)
	t.Cleanup(func() { meetings.Delete(t.Name()) })
	return m
}

// meetFn has the first element of every bundle wait until as many bundles as wanted are there.
type meetFn struct {
	Meeting string

	was bool
}

func (fn *meetFn) ProcessElement(ctx context.Context, key int, _ func(*string) bool, emit func(int)) error {
	found, _ := meetings.Load(fn.Meeting)
	m := found.(*meeting)
	m.elements.Add(1)
	emit(key)
	if fn.was {
		return nil
	}
	fn.was = true
	if m.there.Add(1) == m.wanted {
		close(m.all)
	}
	select {
	case <-m.all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// meet makes a pipeline of so many groups that go through meetFn.
func meet(t *testing.T, groups int) *beam.Pipeline {
	direct.InitBeam()
	p, s := beam.NewPipelineWithRoot()
	numbers := beam.ParDo(s, &numbersFn{Numbers: groups, Keys: groups}, beam.Impulse(s))
	beam.ParDo(s, &meetFn{Meeting: t.Name()}, beam.GroupByKey(s, numbers))
	return p
}

func TestWorkersShareTheElements(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, 3)
	require.NoError(t, direct.Run(t.Context(), meet(t, 20), direct.Options{Workers: 3}))
	assert.EqualValues(t, 20, m.elements.Load())
	assert.EqualValues(t, 3, m.there.Load())
}

func TestThereAreNoMoreBundlesThanElements(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, 2)
	require.NoError(t, direct.Run(t.Context(), meet(t, 2), direct.Options{Workers: 5}))
	assert.EqualValues(t, 2, m.there.Load())
	m = newMeeting(t, 1)
	require.NoError(t, direct.Run(t.Context(), meet(t, 0), direct.Options{}))
	assert.Zero(t, m.there.Load())
}

// failFn fails, or panics, at the key 0.
type failFn struct{ Panic bool }

func (fn *failFn) ProcessElement(key int) error {
	switch {
	case key != 0:
		return nil
	case fn.Panic:
		panic("out of luck")
	}
	return errors.New("out of luck")
}

// A failure ends the bundles beside it.
func TestAFailureEndsTheJob(t *testing.T) {
	t.Parallel()
	for _, panics := range []bool{false, true} {
		newMeeting(t, 3) // the other bundle waits for ever, but for the end of the job
		direct.InitBeam()
		p, s := beam.NewPipelineWithRoot()
		numbers := beam.ParDo(s, &numbersFn{Numbers: 2, Keys: 2}, beam.Impulse(s))
		beam.ParDo0(s, &failFn{Panic: panics}, beam.ParDo(s, &meetFn{Meeting: t.Name()}, beam.GroupByKey(s, numbers)))
		began := time.Now()
		err := direct.Run(t.Context(), p, direct.Options{Workers: 2})
		require.ErrorContains(t, err, "out of luck")
		assert.Less(t, time.Since(began), time.Minute)
	}
}

func TestCancellingEndsTheJob(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, 3)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for m.there.Load() < 2 {
			time.Sleep(time.Millisecond)
		}
		cancel(enough)
	}()
	require.ErrorIs(t, direct.Run(ctx, meet(t, 2), direct.Options{Workers: 2}), enough)
}

type sideFn struct{}

func (*sideFn) ProcessElement(_, _ []byte) {}

func TestSideInputsAreRefused(t *testing.T) {
	t.Parallel()
	_, err := directtest.Run(t, func(s beam.Scope) []beam.PCollection {
		impulse := beam.Impulse(s)
		beam.ParDo0(s, &sideFn{}, impulse, beam.SideInput{Input: impulse})
		return nil
	})
	require.ErrorContains(t, err, "side inputs")
}
