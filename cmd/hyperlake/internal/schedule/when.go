package schedule

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/failure"
)

// Clock is a time of the day, in minutes since midnight.
type Clock int

// minutesOfDay is what a [Clock] is below.
const minutesOfDay = 24 * 60

// ParseClock reads a time such as 02:30. One with a Z at its end, such as 00:30Z, is in UTC, whatever zone it would
// be in otherwise. It fails with one of kind Usage.
func ParseClock(text string) (at Clock, inUTC bool, err error) {
	digits, inUTC := strings.CutSuffix(text, "Z")
	moment, err := time.Parse("15:04", digits)
	if err != nil || len(digits) != len("15:04") {
		return 0, false, failure.New(failure.Usage, "--at %q is no time of the day", text).
			WithHint("give hours and minutes, such as 02:30, or 00:30Z for a time in UTC")
	}
	return Clock(moment.Hour()*60 + moment.Minute()), inUTC, nil
}

func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c.Hour(), c.Minute()) }

// Hour is 0 to 23.
func (c Clock) Hour() int { return int(c) / 60 }

// Minute is 0 to 59.
func (c Clock) Minute() int { return int(c) % 60 }

// Days are days of the week in the order of the week, each once; none is every day.
type Days []time.Weekday

// dayNames are what days are called, in the order of [time.Weekday].
var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseDays reads days such as mon-fri or mon,wed,sat-sun; nothing is every day. It fails with one of kind Usage.
func ParseDays(text string) (Days, error) {
	if text == "" {
		return nil, nil
	}
	var isIn [7]bool
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(dayNames, first), slices.Index(dayNames, last)
		if from < 0 || to < 0 {
			return nil, failure.New(failure.Usage, "--days %q does not name days", text).
				WithHint("use %s, ranges and lists of them, such as mon-fri or mon,thu", strings.Join(dayNames, ", "))
		}
		for day := from; ; day = (day + 1) % 7 {
			isIn[day] = true
			if day == to {
				break
			}
		}
	}
	var days Days
	for i := range 7 {
		if day := (i + 1) % 7; isIn[day] { // weeks begin on a Monday here
			days = append(days, time.Weekday(day))
		}
	}
	if len(days) == 7 {
		return nil, nil
	}
	return days, nil
}

// spread is the time with what is particular to this night added, for platforms that have no delay of their own: a part of n.Spread
// that follows from the name alone. It does not pass midnight.
func (n Night) spread() Clock {
	room := min(int(n.Spread/time.Minute), minutesOfDay-1-int(n.At))
	if room <= 0 {
		return n.At
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(n.Name)) // never fails
	return n.At + Clock(sum.Sum32()%uint32(room+1))
}

// cron is when the night begins, in the five fields of cron.
func (n Night) cron() string {
	at, days := n.spread(), "*"
	if len(n.Days) > 0 {
		var numbers []string
		for _, day := range n.Days {
			numbers = append(numbers, strconv.Itoa(int(day)))
		}
		days = strings.Join(numbers, ",")
	}
	return fmt.Sprintf("%d %d * * %s", at.Minute(), at.Hour(), days)
}

// calendar is when the night begins, as systemd writes it; see systemd.time(7).
func (n Night) calendar() string {
	days := ""
	if len(n.Days) > 0 {
		var names []string
		for _, day := range n.Days {
			names = append(names, day.String()[:3])
		}
		days = strings.Join(names, ",") + " "
	}
	return fmt.Sprintf("%s*-*-* %s:00 %s", days, n.At, n.Zone)
}

// Odd tells of the days in the year after now on which the time of the night does not come, or comes twice, because clocks are
// changed in its zone; empty where there are none. Platforms differ in what they do then.
func (n Night) Odd(now time.Time, zone *time.Location) string {
	var odd []string
	year, month, today := now.In(zone).Date()
	for day := range 366 {
		moment := time.Date(year, month, today+day, n.At.Hour(), n.At.Minute(), 0, 0, zone)
		date := time.Date(year, month, today+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		switch {
		case clockOf(moment) != n.At:
			odd = append(odd, "does not come on "+date)
		case clockOf(moment.Add(time.Hour)) == n.At, clockOf(moment.Add(-time.Hour)) == n.At,
			clockOf(moment.Add(time.Hour/2)) == n.At, clockOf(moment.Add(-time.Hour/2)) == n.At:
			odd = append(odd, "comes twice on "+date)
		}
	}
	return strings.Join(odd, " and ")
}

func clockOf(moment time.Time) Clock { return Clock(moment.Hour()*60 + moment.Minute()) }
