package iceberg

import (
	"math"
	"math/big"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
)

// bounds are the least and the greatest value of a column that a transform makes a partition value of; nil where it is
// not known. It returns false where neither is.
func (t transform) bounds(column arrow.DataType, value any) (least, most any, ok bool) {
	whole, isWhole := value.(int64)
	switch {
	case t.name == identity:
		if number, isFloat := value.(float64); isFloat && (number == 0 || math.IsNaN(number)) {
			return nil, nil, false
		}
		return value, value, true
	case t.name == truncate:
		return t.truncated(column, value)
	case isWhole && t.name == hourly:
		return moments(column, whole, func(n int64) time.Time { return time.Unix(n*60*60, 0).UTC() })
	case isWhole && t.name == daily:
		return moments(column, whole, func(n int64) time.Time { return time.Unix(n*secondsInDay, 0).UTC() })
	case isWhole && t.name == monthly:
		return moments(column, whole, func(n int64) time.Time { return time.Date(1970, time.Month(1+n), 1, 0, 0, 0, 0, time.UTC) })
	case isWhole && t.name == yearly:
		return moments(column, whole, func(n int64) time.Time { return time.Date(1970+int(n), 1, 1, 0, 0, 0, 0, time.UTC) })
	}
	return nil, nil, false
}

// truncated are the bounds of what was truncated.
func (t transform) truncated(column arrow.DataType, value any) (least, most any, ok bool) {
	switch v := value.(type) {
	case int64:
		if v > math.MaxInt64-t.width {
			return v, nil, true
		}
		return v, v + t.width - 1, t.width > 0
	case string: // of which nothing is known behind its end, unless it is too short to have been cut off, however that counts
		if int64(len(v)) < t.width-utf8.UTFMax {
			return v, v, true
		}
		return v, nil, true
	case []byte:
		if column.ID() == arrow.DECIMAL128 && t.width > 0 && len(v) > 0 && len(v) <= decimalBytes {
			return v, twosComplement(new(big.Int).Add(unscaledOf(v), big.NewInt(t.width-1))), true
		}
	}
	return nil, nil, false
}

// maxUnits is the number of hours in 10,000 years, more than any partition value that counts from 1970 can be.
const maxUnits = 10_000 * 366 * 24

// moments are the bounds of a column of days or times, in the unit of which at is the start. Before 1970, some writers
// rounded up.
func moments(column arrow.DataType, unit int64, at func(int64) time.Time) (least, most any, ok bool) {
	if unit < -maxUnits || unit > maxUnits {
		return nil, nil, false
	}
	start, end := at(unit), at(unit+1)
	if unit <= 0 {
		start = at(unit - 1)
	}
	switch t := column.(type) {
	case *arrow.Date32Type:
		return start.Unix() / secondsInDay, end.Unix()/secondsInDay - 1, true
	case *arrow.TimestampType:
		if t.Unit == arrow.Microsecond {
			return start.UnixMicro(), end.UnixMicro() - 1, true
		}
	}
	return nil, nil, false
}
