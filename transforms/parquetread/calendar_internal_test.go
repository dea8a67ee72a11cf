package parquetread

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/transforms/parquetread/internal/julian"
)

// Hive writes dates of the hybrid calendar unless it says otherwise, and its own reader moves
// them back.
func TestCalendarOfHive(t *testing.T) {
	t.Parallel()
	assert.Equal(t, calendar{dates: julian.Unknown}, calendarOf(map[string]string{hiveProleptic: "false"}))
	assert.Equal(t, calendar{}, calendarOf(map[string]string{hiveProleptic: "true"}))
}
