package column

import (
	"errors"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/julian"
)

// ErrNoZone says that timestamps depend on a time zone that the file does not name.
var ErrNoZone = errors.New("it holds timestamps before 1900 by the legacy calendar of Spark, which depend on the time zone " +
	"of the writer, and the file does not name it")

// moveDays moves dates of the hybrid calendar to those of the usual one, in place.
func moveDays(days []int32) {
	for i, day := range days {
		days[i] = julian.Day(day)
	}
}

// moveTimestamps does the same to timestamps of a writer in a zone.
func moveTimestamps(stamps []int64, unit arrow.TimeUnit, zone *julian.Zone) error {
	perSecond := int64(arrow.Second.Multiplier() / unit.Multiplier())
	for i, stamp := range stamps {
		if stamp >= julian.FirstSecond*perSecond {
			continue
		}
		seconds, ok := zone.Second(floorDiv(stamp, perSecond))
		if !ok {
			return ErrNoZone
		}
		stamps[i] += seconds * perSecond
	}
	return nil
}
