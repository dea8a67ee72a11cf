package tableau

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The transport may still read a body that it gave up while the next one is sent.
func TestMeterIgnoresReadersThatWereGivenUp(t *testing.T) {
	t.Parallel()
	var told []int64
	m := &meter{total: 10, report: func(sent, total int64) { told = append(told, sent, total) }}
	first := m.begin(0)
	first(3)
	second := m.begin(5)
	first(4)
	second(1)
	assert.Equal(t, []int64{3, 10, 6, 10}, told)
}
