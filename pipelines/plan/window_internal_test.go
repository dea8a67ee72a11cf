package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A day begins in a zone when its clocks say so, and where they skip that, when they go on.
func TestMomentIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ at, zone, want string }{
		{"2026-11-28T00:00:00Z", "UTC", "2026-11-28T00:00:00Z"},
		{"2026-11-28T00:00:00Z", "Europe/Berlin", "2026-11-27T23:00:00Z"},
		{"2026-07-28T00:00:00Z", "Europe/Berlin", "2026-07-27T22:00:00Z"},
		{"2026-03-29T00:00:00Z", "Europe/Berlin", "2026-03-28T23:00:00Z"},
		{"2026-03-30T00:00:00Z", "Europe/Berlin", "2026-03-29T22:00:00Z"},
		{"2026-03-29T02:30:00Z", "Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"2026-09-06T00:00:00Z", "America/Santiago", "2026-09-06T04:00:00Z"}, // begins at 01:00
		{"2026-09-06T00:00:00Z", "America/Havana", "2026-09-06T04:00:00Z"},
		{"2026-03-08T00:00:00Z", "America/Havana", "2026-03-08T05:00:00Z"}, // begins at 01:00
		{"2011-12-30T00:00:00Z", "Pacific/Apia", "2011-12-30T10:00:00Z"},   // which was not
	} {
		zone, err := time.LoadLocation(c.zone)
		require.NoError(t, err)
		at, err := time.Parse(time.RFC3339, c.at)
		require.NoError(t, err)
		assert.Equal(t, c.want, momentIn(at, zone).UTC().Format(time.RFC3339), "%s in %s", c.at, c.zone)
	}
	day := time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)
	assert.Equal(t, day, firstDay(day))
	assert.Equal(t, day.AddDate(0, 0, 1), firstDay(day.Add(time.Nanosecond)))
}
