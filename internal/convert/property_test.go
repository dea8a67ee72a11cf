package convert_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/convert"
)

const samples = 3000

// randomNumber is the text of a number that is often at the edge of what fits.
func randomNumber(random *rand.Rand) string {
	var s strings.Builder
	s.WriteString([]string{"", "-", "+"}[random.IntN(3)])
	digits := func(most int) {
		for range random.IntN(most) {
			s.WriteByte("0000123456789999"[random.IntN(16)])
		}
	}
	digits(24)
	if random.IntN(2) == 0 {
		s.WriteByte('.')
		digits(24)
	}
	if random.IntN(4) == 0 {
		fmt.Fprintf(&s, "e%d", random.IntN(60)-30)
	}
	return s.String()
}

// unscaled is the number in units of 10^-scale, if it is whole and has at most so many digits.
func unscaled(r *big.Rat, digits, scale int64) (*big.Int, bool) {
	power := func(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }
	units := new(big.Rat).Mul(r, new(big.Rat).SetInt(power(scale)))
	return units.Num(), units.IsInt() && units.Num().CmpAbs(power(digits)) < 0
}

func TestTextToDecimalAgainstBig(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		digits := 1 + random.Int64N(38)
		scale := random.Int64N(digits + 1)
		texts := make([]string, samples)
		for i := range texts {
			texts[i] = randomNumber(random)
		}
		_, out, _ := column(t, nullable("c", b.String), textValues(texts...), ask(fmt.Sprintf("numeric(%d,%d)", digits, scale)))
		got := out.(*array.Decimal128)
		for i, text := range texts {
			r, parsed := new(big.Rat).SetString(text)
			if !parsed {
				require.True(t, got.IsNull(i), text)
				continue
			}
			want, ok := unscaled(r, digits, scale)
			require.Equal(t, ok, got.IsValid(i), "%s to numeric(%d,%d)", text, digits, scale)
			if ok {
				require.Equal(t, want.String(), got.Value(i).BigInt().String(), text)
			}
		}
	}
}

func TestTextToBigintAgainstBig(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	texts := make([]string, 20*samples)
	for i := range texts {
		texts[i] = randomNumber(random)
		if i%3 == 0 {
			texts[i] = strconv.FormatInt(int64(random.Uint64()), 10)
		}
	}
	_, out, _ := column(t, nullable("c", b.String), textValues(texts...), ask("bigint"))
	got := out.(*array.Int64)
	for i, text := range texts {
		r, ok := new(big.Rat).SetString(text)
		ok = ok && r.IsInt() && r.Num().IsInt64()
		require.Equal(t, ok, got.IsValid(i), text)
		if ok {
			require.Equal(t, r.Num().Int64(), got.Value(i), text)
		}
	}
}

func TestRescaleAgainstBig(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		fromScale, digits := random.Int64N(39), 1+random.Int64N(38)
		scale := random.Int64N(digits + 1)
		builder := array.NewDecimal128Builder(memory.DefaultAllocator, decimal(38, int32(fromScale)).(*arrow.Decimal128Type))
		sources := make([]*big.Int, samples)
		for i := range sources {
			n := new(big.Int).Rsh(decimal128.New(int64(random.Uint64())>>2, random.Uint64()).BigInt(), uint(random.IntN(120)))
			sources[i] = n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(random.Int64N(3)), nil))
			if sources[i].BitLen() > 126 {
				sources[i] = big.NewInt(0)
			}
			builder.Append(decimal128.FromBigInt(sources[i]))
		}
		arr := builder.NewArray()
		_, out, _ := column(t, nullable("c", arr.DataType()), arr, convert.Column{Type: fmt.Sprintf("numeric(%d,%d)", digits, scale)})
		for i, n := range sources {
			value := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(fromScale), nil))
			want, ok := unscaled(value, digits, scale)
			if digits == 38 && scale == fromScale {
				want, ok = n, true // it is not converted, hence not checked either
			}
			require.Equal(t, ok, out.IsValid(i), "%s / 10^%d to numeric(%d,%d)", n, fromScale, digits, scale)
			if ok {
				require.Equal(t, want.String(), out.(*array.Decimal128).Value(i).BigInt().String())
			}
		}
	}
}

// TestFloatsAndDecimals checks that a float that converts to a decimal is the nearest float
// to it, and that its own shortest decimal always converts.
func TestFloatsAndDecimals(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 10))
	builder := array.NewFloat64Builder(memory.DefaultAllocator)
	for range 20 * samples {
		f := math.Ldexp(float64(random.Int64N(1<<53)-1<<52), random.IntN(60)-70)
		if random.IntN(2) == 0 {
			f = float64(random.Int64N(1e9)) / math.Pow10(random.IntN(12))
		}
		builder.Append(f)
	}
	floats := builder.NewFloat64Array()
	_, out, _ := column(t, nullable("c", p.Float64), floats, ask("numeric(38,12)"))
	decimals := out.(*array.Decimal128)
	_, back, failed := column(t, nullable("c", out.DataType()), out, ask("double precision"))
	require.Empty(t, failed, "what came from a float converts to it")
	for i := range floats.Len() {
		f := floats.Value(i)
		shortest, _ := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
		want, fits := unscaled(shortest, 38, 12)
		exact, fitsExactly := unscaled(new(big.Rat).SetFloat64(f), 38, 12)
		if fitsExactly {
			want, fits = exact, true
		}
		require.Equal(t, fits, decimals.IsValid(i), f)
		if fits {
			require.Equal(t, want.String(), decimals.Value(i).BigInt().String(), f)
			require.Equal(t, f, back.(*array.Float64).Value(i))
		}
	}
}

func TestTextToDoubleAgainstStrconv(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(11, 12))
	texts := make([]string, 10*samples)
	for i := range texts {
		texts[i] = randomNumber(random)
	}
	_, out, _ := column(t, nullable("c", b.String), textValues(texts...), ask("float8"))
	for i, text := range texts {
		want, err := strconv.ParseFloat(text, 64)
		require.Equal(t, err == nil, out.IsValid(i), text)
		if err == nil {
			require.Equal(t, want, out.(*array.Float64).Value(i), text)
		}
	}
}

// TestTimestampsAgainstTime writes and reads instants in many formats and zones and compares
// with the standard library.
func TestTimestampsAgainstTime(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(13, 14))
	formats := map[string]string{
		"":                              "2006-01-02T15:04:05.999999Z07:00",
		"%Y-%m-%dT%H:%M:%S.%f%z":        "2006-01-02T15:04:05.000000-0700",
		"%a, %d %b %Y %H:%M:%S.%f %z":   "Mon, 02 Jan 2006 15:04:05.000000 -0700",
		"%A %B %-d %Y %-I:%M:%S.%f%p%z": "Monday January 2 2006 3:04:05.000000PM-0700",
		"%j/%Y %T.%f %z":                "002/2006 15:04:05.000000 -0700",
	}
	for _, name := range []string{"UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		instants := array.NewTimestampBuilder(memory.DefaultAllocator, stamp(arrow.Microsecond, "UTC").(*arrow.TimestampType))
		first, last := time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		for range samples {
			instants.Append(arrow.Timestamp(first + random.Int64N(last-first)))
		}
		arr := instants.NewArray().(*array.Timestamp)
		for format, goFormat := range formats {
			_, written, failed := column(t, nullable("c", arr.DataType()), arr, convert.Column{Type: "text", Format: format, Timezone: name})
			require.Empty(t, failed)
			for i := range arr.Len() {
				want := time.UnixMicro(int64(arr.Value(i))).In(zone).Format(goFormat)
				require.Equal(t, want, written.ValueStr(i))
			}
			_, back, failed := column(t, nullable("c", b.String), written, convert.Column{Type: "timestamptz", Format: format})
			require.Empty(t, failed)
			require.True(t, array.Equal(arr, back))
		}
	}
}

// TestLocalTimesAgainstTime finds the instants that show a local time by trying all offsets.
func TestLocalTimesAgainstTime(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(15, 16))
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		offsetAt := func(instant int64) int64 {
			_, offset := time.Unix(instant, 0).In(zone).Zone()
			return int64(offset)
		}
		offsets := []int64{offsetAt(0)}
		builder := array.NewTimestampBuilder(memory.DefaultAllocator, stamp(arrow.Second, "").(*arrow.TimestampType))
		const day = 86400
		for at := int64(20 * 365 * day); at < 100*365*day; at += day {
			builder.Append(arrow.Timestamp(at + random.Int64N(day)))
			if offsetAt(at) == offsetAt(at+day) {
				continue
			}
			if !slices.Contains(offsets, offsetAt(at+day)) {
				offsets = append(offsets, offsetAt(at+day))
			}
			for range 50 { // around the change of the clocks
				builder.Append(arrow.Timestamp(at + offsetAt(at) + random.Int64N(3*day) - day))
				builder.Append(arrow.Timestamp(at + offsetAt(at+day) + random.Int64N(day)))
			}
		}
		builder.Append(0)
		local := builder.NewArray().(*array.Timestamp)
		_, out, _ := column(t, nullable("c", local.DataType()), local, convert.Column{Type: "timestamptz", Timezone: name})
		for i := range local.Len() {
			var shown []int64
			for _, offset := range offsets {
				instant := int64(local.Value(i)) - offset
				if offsetAt(instant) == offset {
					shown = append(shown, instant)
				}
			}
			require.Equal(t, len(shown) == 1, out.IsValid(i), "%s %s", name, local.ValueStr(i))
			if len(shown) == 1 {
				require.Equal(t, shown[0]*1e6, int64(out.(*array.Timestamp).Value(i)))
			}
		}
	}
}

// TestDatesAgainstTime goes through all months of the years that hyperd stores.
func TestDatesAgainstTime(t *testing.T) {
	t.Parallel()
	var texts []string
	var want []arrow.Date32
	for year := -4712; year <= 294276; year += 1 + max(0, year/50) {
		for month := time.January; month <= time.December; month++ {
			day := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC) // the last of the month
			width := 4
			if year < 0 {
				width++ // for the sign
			}
			texts = append(texts, fmt.Sprintf("%0*d-%02d-%02d", width, year, month, day.Day()))
			want = append(want, arrow.Date32(day.Unix()/86400))
		}
	}
	_, out, failed := column(t, nullable("c", b.String), textValues(texts...), ask("date"))
	require.Empty(t, failed)
	require.Equal(t, want, out.(*array.Date32).Date32Values())
	_, back, _ := column(t, nullable("c", w.Date32), out, ask("text"))
	for i, text := range texts {
		require.Equal(t, text, back.ValueStr(i))
	}
}
