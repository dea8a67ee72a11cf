package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The date of a run is that of its zone, whatever its clocks do.
func TestToday(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ now, zone, want string }{
		{"2026-11-28T23:30:00Z", "", "2026-11-28"},
		{"2026-11-28T23:30:00Z", "Europe/Berlin", "2026-11-29"},
		{"2026-11-28T00:30:00Z", "America/New_York", "2026-11-27"},
		{"2026-11-28T10:00:00Z", "Pacific/Kiritimati", "2026-11-29"},
		{"2026-11-28T10:00:00Z", "Pacific/Pago_Pago", "2026-11-27"},
		{"2026-03-28T22:59:59Z", "Europe/Berlin", "2026-03-28"}, // the night before clocks go forward
		{"2026-03-28T23:00:00Z", "Europe/Berlin", "2026-03-29"},
		{"2026-03-29T21:59:59Z", "Europe/Berlin", "2026-03-29"},
		{"2026-03-29T22:00:00Z", "Europe/Berlin", "2026-03-30"},
		{"2026-10-25T22:59:59Z", "Europe/Berlin", "2026-10-25"}, // 25 hours long
		{"2026-10-25T23:00:00Z", "Europe/Berlin", "2026-10-26"},
		{"2026-09-06T04:00:00Z", "America/Santiago", "2026-09-06"}, // which begins at 01:00
		{"2026-09-06T03:59:59Z", "America/Santiago", "2026-09-05"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		require.NoError(t, err)
		assert.Equal(t, c.want+"T00:00:00Z", today(now, Timezone(c.zone).Location()).Format(time.RFC3339), "%s in %s", c.now, c.zone)
	}
}

func TestShiftedDate(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"date": "2026-03-31", "date-1d": "2026-03-30", "date-31 days": "2026-02-28", "date-2w": "2026-03-17",
		"date-1 month": "2026-02-28", "date-36months": "2023-03-31", "date-1year": "2025-03-31", "date-0d": "2026-03-31",
	} {
		got, err := shiftedDate(date, text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"date+1d", "date-36h", "date-1d12h", "date-", "date-1", "date -1d", "date-1d-1d", "date-9999y"} {
		_, err := shiftedDate(date, text)
		assert.Error(t, err, text)
	}
}
