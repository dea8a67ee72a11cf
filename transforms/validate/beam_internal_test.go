package validate

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/batch"
)

// A bundle that fails has no FinishBundle, and its DoFn is used again.
func TestCountsOfABundleThatFailedAreForgotten(t *testing.T) {
	var counts []RejectCount
	emit := func(c RejectCount) { counts = append(counts, c) }
	rejects := batch.Rejects{Table: 1, Rows: []int64{5, 6}, Rules: [][]int{{0}, {0, 2}}}
	fn := &countFn{}

	fn.StartBundle(emit)
	fn.ProcessElement(rejects, emit)
	fn.ProcessElement(batch.Rejects{Table: 0, Rows: []int64{1}, Rules: [][]int{{1}}}, emit)

	for range 2 {
		counts = nil
		fn.StartBundle(emit)
		fn.ProcessElement(rejects, emit)
		fn.FinishBundle(emit)
		assert.Equal(t, []RejectCount{{Table: 1, Rows: 2, Rules: []int64{2, 0, 1}}}, counts)
	}
}
