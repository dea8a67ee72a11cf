package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/cmd/hyperlake/internal/schedule"
)

func TestParseClock(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]schedule.Clock{"00:00": 0, "02:30": 150, "23:59": 1439} {
		at, inUTC, err := schedule.ParseClock(text)
		require.NoError(t, err)
		assert.Equal(t, want, at)
		assert.False(t, inUTC)
		assert.Equal(t, text, at.String())
		_, inUTC, err = schedule.ParseClock(text + "Z")
		require.NoError(t, err)
		assert.True(t, inUTC)
	}
	for _, text := range []string{"", "Z", "2:30", "24:00", "02:60", "02:30:00", "02.30", "02:30z", "0230", " 02:30", "02:30 ", "-1:30"} {
		_, _, err := schedule.ParseClock(text)
		assert.ErrorContains(t, err, "is no time of the day", text)
	}
}

func TestParseDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "mon-fri": "[Monday Tuesday Wednesday Thursday Friday]", "sat,mon": "[Monday Saturday]", "Fri-Mon": "[Monday Friday Saturday Sunday]",
		"sun": "[Sunday]", "mon, mon,mon-tue": "[Monday Tuesday]", "mon-sun": "", "tue-mon": "",
	} {
		days, err := schedule.ParseDays(text)
		require.NoError(t, err, text)
		if want == "" {
			assert.Empty(t, days, text)
		} else {
			assert.Equal(t, want, fmt.Sprint([]time.Weekday(days)), text)
		}
	}
	for _, text := range []string{"monday", "mon-", "-", ",", "mon,,tue", "1-5", "mon-fri-sat"} {
		_, err := schedule.ParseDays(text)
		assert.ErrorContains(t, err, "does not name days", text)
	}
}

// TestSpread spreads nights over minutes by their names, never before the time nor beyond midnight.
func TestSpread(t *testing.T) {
	t.Parallel()
	minutes := map[string]bool{}
	for i := range 100 {
		night := usual()
		night.Name = fmt.Sprint("night ", i)
		minutes[cronOf(t, night)] = true
		night.Spread = 0
		assert.Equal(t, "30 2 * * *", cronOf(t, night))
		night.At, night.Spread = 23*60+58, time.Hour
		assert.Contains(t, []string{"58 23 * * *", "59 23 * * *"}, cronOf(t, night))
	}
	assert.Len(t, minutes, 11, "all from 30 to 40, and no other")
	for minute := 30; minute <= 40; minute++ {
		assert.True(t, minutes[fmt.Sprint(minute, " 2 * * *")], minute)
	}
}

// cronOf is when the night begins, as Kubernetes is told.
func cronOf(t *testing.T, night schedule.Night) string {
	t.Helper()
	files, err := schedule.Write("k8s", night)
	require.NoError(t, err)
	return unquoted(t, after(t, files[0].Text, "\n  schedule: "))
}

func TestOdd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		zone string
		at   schedule.Clock
		want string
	}{
		{"Europe/Berlin", 150, "does not come on 2027-03-28 and comes twice on 2027-10-31"},
		{"Europe/Berlin", 60, ""}, {"Europe/Berlin", 119, ""}, {"Europe/Berlin", 180, ""},
		{"America/New_York", 60 + 30, "comes twice on 2027-11-07"},
		{"America/New_York", 150, "does not come on 2027-03-14"},
		{"Australia/Lord_Howe", 2*60 + 15, "does not come on 2027-10-03"}, // by half an hour
		{"Australia/Lord_Howe", 1*60 + 45, "comes twice on 2027-04-04"},
		{"Asia/Kolkata", 150, ""}, {"UTC", 150, ""},
	} {
		zone, err := time.LoadLocation(c.zone)
		require.NoError(t, err)
		assert.Equal(t, c.want, schedule.Night{At: c.at}.Odd(now, zone), "%s in %s", c.at, c.zone)
	}
}

// TestID has names that no file, unit or object has, and that are told apart.
func TestID(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "hyperlake-orders", schedule.Night{Name: "orders"}.ID())
	assert.Equal(t, "hyperlake-line-items-2", schedule.Night{Name: "line-items-2"}.ID())
	seen := map[string]string{}
	for _, name := range []string{
		"orders", "Orders", "or ders", "or-ders", "or--ders", "-orders", "orders-", "örders", "o", "", "名前", "名", strings.Repeat("x", 42), strings.Repeat("x", 43), strings.Repeat("x", 200),
		strings.Repeat("x", 33) + "-" + strings.Repeat("y", 20), "a_b", "a.b", "İ",
	} {
		id := schedule.Night{Name: name}.ID()
		assert.Regexp(t, `^hyperlake(-[a-z0-9]+)+$`, id)
		assert.LessOrEqual(t, len(id), 52)
		assert.Empty(t, seen[id], "%q and %q", name, seen[id])
		seen[id] = name + " "
	}
}
