package checks

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Each query costs some of what all columns of its table do: with one for each of thousands
// of columns, the time would grow with their square.
func TestWideTablesAreAskedForManyBoundsAtOnce(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 1, boundsAtOnce(16), "what hyperd knows of its blocks answers")
	for _, columns := range []int{201, 1000, 5000} {
		assert.GreaterOrEqual(t, boundsAtOnce(columns), 100)
	}
}
