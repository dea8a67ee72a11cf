package convert_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/convert"
)

// plainReading is what a function reads of a text, as Arrow writes it.
type plainReading func(text string) (value any, ok bool)

// plainReadings are all of them, by the type that is asked for.
var plainReadings = map[string]plainReading{
	"bigint":        func(text string) (any, bool) { return returned(convert.PlainInteger([]byte(text))) },
	"numeric(5,2)":  plainDecimalOf(5, 2),
	"numeric(18,0)": plainDecimalOf(18, 0),
	"numeric(38,4)": plainDecimalOf(38, 4),
	"float8":        func(text string) (any, bool) { return returned(convert.PlainFloat([]byte(text))) },
	"date":          func(text string) (any, bool) { return returned(convert.PlainDate([]byte(text))) },
	"timestamp":     func(text string) (any, bool) { return returned(convert.PlainTimestamp([]byte(text))) },
	"timestamptz":   func(text string) (any, bool) { return returned(convert.PlainInstant([]byte(text))) },
}

func plainDecimalOf(precision, scale int) plainReading {
	return func(text string) (any, bool) { return returned(convert.PlainDecimal([]byte(text), precision, scale)) }
}

func returned[T any](value T, ok bool) (any, bool) { return value, ok }

// checkPlain holds what is read of texts against what they convert to.
func checkPlain(t *testing.T, sql string, texts []string) {
	t.Helper()
	_, out, _ := column(t, nullable("c", b.String), textValues(texts...), ask(sql))
	for i, text := range texts {
		value, ok := plainReadings[sql](text)
		if !ok {
			continue
		}
		require.True(t, out.IsValid(i), "%q as %s", text, sql)
		require.Equal(t, valueAt(out, i), value, "%q as %s", text, sql)
	}
}

func valueAt(values any, row int) any {
	switch v := values.(type) {
	case *array.Int64:
		return v.Value(row)
	case *array.Decimal128:
		return v.Value(row)
	case *array.Float64:
		return v.Value(row)
	case *array.Date32:
		return v.Value(row)
	default:
		return v.(*array.Timestamp).Value(row)
	}
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"0", "-0", "-12.50", "007", "999999999999999999", "0.000", ".5", "5.", "--1", "1.2.3", "2024-02-29", "2023-02-29",
		"2026-01-31 24:00:00", "2026-01-31T23:59:59.999999Z", "0000-01-01 00:00:00+23:59", "2026-01-31 12:30:00.1234567", "9999-12-31 23:59:59-23"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for sql := range plainReadings {
			checkPlain(t, sql, []string{text})
		}
	})
}

func TestPlainAgainstApply(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(21, 22))
	texts := make([]string, samples)
	for i := range texts {
		switch random.IntN(4) {
		case 0:
			texts[i] = randomNumber(random)
		case 1:
			texts[i] = fmt.Sprintf("%.*f", random.IntN(6), (random.Float64()-0.5)*float64(powerOfTen(random)))
		case 2:
			texts[i] = fmt.Sprintf("%04d-%02d-%02d", random.IntN(9999), random.IntN(14), random.IntN(33))
		default:
			at := time.Unix(random.Int64N(1<<38)-1<<37, random.Int64N(1e9))
			layouts := []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05Z", "2006-01-02 15:04:05.99-07"}
			texts[i] = at.In(time.FixedZone("", random.IntN(48)*1800-86400+1800)).Format(layouts[random.IntN(len(layouts))])
		}
	}
	for sql := range plainReadings {
		checkPlain(t, sql, texts)
	}
}

// powerOfTen is one of up to 15 digits.
func powerOfTen(random *rand.Rand) int64 {
	n := int64(1)
	for range random.IntN(15) {
		n *= 10
	}
	return n
}

// What most programs write is read, so that it is quick.
func TestPlainReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	for sql, texts := range map[string][]string{
		"bigint": {"0", "7", "-1", "123456789012345678"}, "numeric(5,2)": {"0", "0.5", "-0.05", "999.99", "-12", "1.0"}, "numeric(18,0)": {"999999999999999999"},
		"numeric(38,4)": {"0.0001", "-99999999999999.5"}, "float8": {"0", "0.1", "-12.25", "123456789012345", "0.00000000000001"}, "date": {"2024-02-29", "1970-01-01"},
		"timestamp": {"2026-01-31 12:30:00", "2026-01-31T12:30:00.5", "1969-12-31 23:59:59.999999"}, "timestamptz": {"2026-01-31T12:30:00Z", "2026-01-31 12:30:00.25+01", "2026-01-31 12:30:00-03:30"},
	} {
		checkPlain(t, sql, texts)
		for _, text := range texts {
			_, ok := plainReadings[sql](text)
			require.True(t, ok, "%q as %s", text, sql)
		}
	}
}
