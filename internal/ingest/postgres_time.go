package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// PostgreSQL counts days and microseconds from the year 2000.
const (
	daysTo2000   = 10957
	microsPerDay = 24 * 60 * 60 * int64(1e6)
	microsTo2000 = daysTo2000 * microsPerDay

	firstDay = -719162   // 0001-01-01
	lastDay  = 106762939 // 294276-12-31, the last that Hyper stores
)

var (
	errBeforeYear1   = errors.New("it is before the year 1")
	errTooLate       = errors.New("it is after the year 294276")
	errTooManyMicros = errors.New("it is after 294247-01-10, as far as microseconds are counted")
	errMidnight      = errors.New("it is 24:00, the end of a day and not a time of it")
)

// readDate counts days from 1970.
func readDate(raw []byte) (arrow.Date32, error) {
	if len(raw) != 4 {
		return 0, errLength
	}
	days := int32(binary.BigEndian.Uint32(raw))
	switch {
	case days == math.MaxInt32 || days == math.MinInt32:
		return 0, errInfinite
	case days < firstDay-daysTo2000:
		return 0, errBeforeYear1
	case days > lastDay-daysTo2000:
		return 0, errTooLate
	}
	return arrow.Date32(days + daysTo2000), nil
}

// readTimestamp counts microseconds from 1970.
func readTimestamp(raw []byte) (arrow.Timestamp, error) {
	if len(raw) != 8 {
		return 0, errLength
	}
	micros := int64(binary.BigEndian.Uint64(raw))
	switch {
	case micros == math.MaxInt64 || micros == math.MinInt64:
		return 0, errInfinite
	case micros < firstDay*microsPerDay-microsTo2000:
		return 0, errBeforeYear1
	case micros > math.MaxInt64-microsTo2000:
		return 0, errTooManyMicros
	}
	return arrow.Timestamp(micros + microsTo2000), nil
}

// readTime counts microseconds from midnight.
func readTime(raw []byte) (arrow.Time64, error) {
	if len(raw) != 8 {
		return 0, errLength
	}
	micros := int64(binary.BigEndian.Uint64(raw))
	if micros >= microsPerDay {
		return 0, errMidnight
	}
	return arrow.Time64(micros), nil
}

// formatDate writes days from 2000 as PostgreSQL does.
func formatDate(days int64) string {
	if days == math.MaxInt32 || days == math.MinInt32 {
		return formatInfinity(days)
	}
	return formatMoment(time.Unix((days+daysTo2000)*24*60*60, 0), "")
}

// formatTimestamp writes microseconds from 2000 as PostgreSQL does.
func formatTimestamp(micros int64) string { return formatMicros(micros, "") }

// formatInstant writes microseconds from 2000 in UTC as PostgreSQL does.
func formatInstant(micros int64) string { return formatMicros(micros, "+00") }

func formatMicros(micros int64, zone string) string {
	if micros == math.MaxInt64 || micros == math.MinInt64 {
		return formatInfinity(micros)
	}
	seconds, rest := micros/1e6, micros%1e6
	moment := time.Unix(seconds+microsTo2000/1e6, rest*1000).UTC()
	return formatMoment(moment, moment.Format(" 15:04:05.999999")+zone)
}

func formatInfinity(count int64) string {
	if count < 0 {
		return "-infinity"
	}
	return "infinity"
}

// formatMoment writes a date, a clock behind it, and BC behind both.
func formatMoment(moment time.Time, clock string) string {
	year, month, day := moment.UTC().Date()
	era := ""
	if year <= 0 {
		year, era = 1-year, " BC"
	}
	return fmt.Sprintf("%04d-%02d-%02d%s%s", year, month, day, clock, era)
}

// formatClock writes microseconds from midnight as PostgreSQL does.
func formatClock(micros int64) string {
	if micros == microsPerDay {
		return "24:00:00"
	}
	return time.UnixMicro(micros).UTC().Format("15:04:05.999999")
}
