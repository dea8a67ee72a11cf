// Package julian moves dates and timestamps of the hybrid calendar, which is the Julian one
// before 15 October 1582, to the ones that are written alike in the calendar of SQL and of
// Parquet, the Gregorian one at all times.
//
// Java's old classes count in the hybrid calendar, and so did Spark before version 3, and later
// ones do when they are asked to, as Hive does unless it is asked not to. What was 1500-12-25 to
// them is stored as the day that SQL calls 1501-01-04. The same classes take the clocks of a
// zone to have been before 1900 what they are today, where others know the local mean times, so
// that timestamps move by minutes, too.
//
// The promise is to move a value to where Spark's own reader moves it. A day that the
// Gregorian calendar does not have, such as 29 February 1500, becomes the first of March.
package julian

const (
	// FirstDay is the first day that needs no moving, 15 October 1582, in days since 1970.
	FirstDay = -141427

	// FirstSecond is the first second that needs no moving in any zone, that of 1900 in UTC,
	// in seconds since 1970.
	FirstSecond = -2208988800

	secondsPerDay = 86400
)

// Day moves a day since 1970.
func Day(day int32) int32 {
	if day >= FirstDay {
		return day
	}
	return day + int32(shift(int64(day))) // which is not below 0 for the first of all days
}

// shift is by how many days a day before FirstDay moves. Years begin in March here, so that
// the two calendars differ at their ends only.
func shift(day int64) int64 {
	const (
		yearZero   = -719470 // 1 March 0 in the Julian calendar
		fourYears  = 4*365 + 1
		yearZeroTo = -719468 // the same in the Gregorian one
	)
	cycle := floorDiv(day-yearZero, fourYears)
	inCycle := day - yearZero - cycle*fourYears
	inYear := inCycle / 365
	if inYear == 4 { // 29 February
		inYear = 3
	}
	year := 4*cycle + inYear
	julian := 365*year + floorDiv(year, 4) + yearZero
	gregorian := 365*year + floorDiv(year, 4) - floorDiv(year, 100) + floorDiv(year, 400) + yearZeroTo
	return gregorian - julian
}

// floorDiv divides and rounds down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
