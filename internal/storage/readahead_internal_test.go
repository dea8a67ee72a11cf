package storage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLayOut(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	cases := []struct {
		name   string
		ranges []Range
		budget int64
		spans  []Range
		window int64
		depth  int
	}{
		{"neighbours are joined", []Range{{0, 10}, {10, 10}, {smallGap, 10}}, 32 * mib, []Range{{0, smallGap + 10}}, 32 * mib, 1},
		{"and what is not far away", []Range{{0, mib}, {2 * mib, mib}}, 32 * mib, []Range{{0, 3 * mib}}, 32 * mib, 1},
		{"unless too little was asked for", []Range{{0, mib / 2}, {mib, mib / 2}, {2 * mib, mib / 8}}, 32 * mib,
			[]Range{{0, 3 * mib / 2}, {2 * mib, mib / 8}}, 32 * mib, 1},
		{"wide gaps are not", []Range{{0, 10}, {10 + mib + 1, 10}}, 32 * mib, []Range{{0, 10}, {mib + 11, 10}}, 32 * mib, 1},
		{"no more than fits", []Range{{0, 3 * mib}, {3 * mib, 3 * mib}}, 4 * mib, []Range{{0, 3 * mib}, {3 * mib, 3 * mib}}, mib, 2},
		{"small ones share a window", []Range{{0, 9 * mib}, {9 * mib, 10}, {9*mib + 10, 10}, {9*mib + 20, 10}}, 8 * mib,
			[]Range{{0, 9 * mib}, {9 * mib, 30}}, mib, 2},
		{"many ranges have no second window", []Range{{0, mib}, {2 * mib, mib}, {4 * mib, mib}}, mib,
			[]Range{{0, mib}, {2 * mib, mib}, {4 * mib, mib}}, mib / 3, 1},
		{"nor smaller ones than are worth it", []Range{{0, mib}, {2 * mib, mib}, {4 * mib, mib}}, 1000,
			[]Range{{0, mib}, {2 * mib, mib}, {4 * mib, mib}}, minWindow, 1},
		{"what overlaps is read once", []Range{{0, 3 * mib}, {mib, 4 * mib}, {mib, 10}}, 4 * mib, []Range{{0, 3 * mib}, {3 * mib, 2 * mib}}, 4 * mib / 6, 2},
		{"nothing", nil, mib, nil, mib, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			spans, window, depth := layOut(c.ranges, c.budget)
			assert.Equal(t, c.spans, spans)
			assert.Equal(t, c.window, window)
			assert.Equal(t, c.depth, depth)
		})
	}
}

// Whatever is asked for: every byte of it is in one span, no byte in two, and what is
// held at once is within the promise.
func TestLayOutOfRandomRanges(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		size := 1 + random.Int64N(64<<20)
		budget := 1 + random.Int64N(16<<20)
		ranges := make([]Range, random.IntN(40))
		for i := range ranges {
			ranges[i] = Range{random.Int64N(size) - 10, random.Int64N(1 + size>>random.IntN(16))}
		}
		inside := clip(ranges, size)
		spans, window, depth := layOut(inside, budget)
		end, held := int64(0), int64(0)
		for _, span := range spans {
			require.GreaterOrEqual(t, span.Start, end)
			require.Positive(t, span.Length)
			end = span.end()
			held += min(span.Length, window*int64(depth))
		}
		require.LessOrEqual(t, end, size)
		require.LessOrEqual(t, total(spans), asked(inside)*7/4+smallGap*int64(len(inside)), "%v for %v", spans, inside)
		require.LessOrEqual(t, held, max(budget, minWindow*int64(len(inside))))
		for _, r := range inside {
			for _, off := range []int64{r.Start, r.end() - 1, r.Start + r.Length/2} {
				require.True(t, covered(spans, off), "%d of %v in %v", off, r, spans)
			}
		}
	}
}

// total is the length of all spans.
func total(spans []Range) (bytes int64) {
	for _, span := range spans {
		bytes += span.Length
	}
	return bytes
}

// asked is how many bytes are in some range, of sorted ones.
func asked(sorted []Range) (bytes int64) {
	end := int64(0)
	for _, r := range sorted {
		bytes += max(0, r.end()-max(r.Start, end))
		end = max(end, r.end())
	}
	return bytes
}

func covered(spans []Range, off int64) bool {
	for _, span := range spans {
		if span.Start <= off && off < span.end() {
			return true
		}
	}
	return false
}

func TestReadAheadOfRandomRanges(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	data := make([]byte, 5<<20)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(data)
	open := func(_ context.Context, start, end int64) io.ReadCloser {
		return io.NopCloser(io.NewSectionReader(bytes.NewReader(data), start, end-start))
	}
	for range 50 {
		ranges := make([]Range, 1+random.IntN(10))
		for i := range ranges {
			ranges[i] = Range{random.Int64N(5 << 20), 1 + random.Int64N(2<<20)}
		}
		a := newReadAhead(t.Context(), ranges, int64(len(data)), 1<<20, open)
		for range 300 {
			off, p := random.Int64N(5<<20), make([]byte, 1+random.IntN(50_000))
			n, err := a.readSome(p, off)
			if errors.Is(err, errNotPrepared) {
				continue
			}
			require.NoError(t, err)
			require.Positive(t, n)
			require.True(t, bytes.Equal(data[off:off+int64(n)], p[:n]))
		}
		a.stop()
		for _, s := range a.streams {
			assert.LessOrEqual(t, len(s.blocks), s.depth)
		}
	}
}

// silent sends nothing until its context is done.
type silent struct{ ctx context.Context }

func (s silent) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s silent) Close() error             { return nil }

func TestReadAheadThatIsStoppedHasNothing(t *testing.T) {
	waiting, started := make(chan error, 1), make(chan struct{})
	a := newReadAhead(t.Context(), []Range{{0, 100}}, 100, 1<<20, func(ctx context.Context, _, _ int64) io.ReadCloser {
		close(started)
		return silent{ctx}
	})
	go func() {
		_, err := a.readSome(make([]byte, 10), 50)
		waiting <- err
	}()
	<-started
	a.stop()
	require.ErrorIs(t, <-waiting, errNotPrepared, "whoever waited reads in another way")
	_, err := a.readSome(make([]byte, 10), 50)
	require.ErrorIs(t, err, errNotPrepared)
}
