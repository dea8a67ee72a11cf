package validate

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "1": "1", "+1": "1", "-1": "-1", "0.1": "1/10", "-0.10": "-1/10", ".5": "1/2", "5.": "5",
		"1_000": "1000", "1__0": "10", "1e3": "1000", "1E-3": "1/1000", "1.5e+1": "15", "0e0": "0",
		"0x10": "16", "-0xfF": "-255", "0o17": "15", "0b11": "3", "0x_f": "15",
		"340282366920938463463374607431768211456": "340282366920938463463374607431768211456",
	} {
		got, ok := parseNumber(text)
		if assert.True(t, ok, text) {
			assert.Equal(t, want, got.RatString(), text)
		}
	}
	for _, text := range []string{
		"", " ", " 1", "1 ", "+", "-", ".", "e1", "1e", "1e+", "1e99999", "--1", "010", "00", "-01", "01.5", "0x", "0xg", "0o8", "0b2",
		"_1", "1,5", "1/2", "0x1p3", "0x1.8", "inf", ".inf", "nan", "1.2.3", "１", "1\n", "1e1_0",
	} {
		_, ok := parseNumber(text)
		assert.False(t, ok, text)
	}
}

// Every day of some years at every edge of the calendar, against the standard library.
func TestParseDateAgreesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for _, year := range []int{0, 1, 4, 100, 400, 1582, 1600, 1700, 1900, 1969, 1970, 1972, 2000, 2024, 2026, 2100, 9999} {
		for month := 0; month <= 13; month++ {
			for day := 0; day <= 32; day++ {
				text := strings.Join([]string{pad(year, 4), pad(month, 2), pad(day, 2)}, "-")
				want, err := time.Parse(time.DateOnly, text)
				got, ok := parseDate(text)
				require.Equal(t, err == nil, ok, text)
				if ok {
					require.Equal(t, big.NewRat(want.Unix(), secondsPerDay).RatString(), got.RatString(), text)
				}
			}
		}
	}
}

func pad(n, width int) string {
	digits := strconv.Itoa(n)
	return strings.Repeat("0", width-len(digits)) + digits
}

func TestParseDateFarAway(t *testing.T) {
	t.Parallel()
	// Computed with the calendar of another language, shifted by cycles of 400 years.
	for text, want := range map[string]int64{
		"-4713-11-24": -2440588, "-0001-12-31": -719529, "-0004-02-29": -720930, "-0400-03-01": -865565,
		"10000-01-01": 2932897, "+12345-06-07": 3789548, "294247-01-10": 106751991, "-5877641-06-23": math.MinInt32, "5881580-07-11": math.MaxInt32,
	} {
		got, ok := parseDate(text)
		if assert.True(t, ok, text) {
			assert.Equal(t, strconv.FormatInt(want, 10), got.RatString(), text)
		}
	}
	for _, text := range []string{"-0001-02-29", "99999999-01-01", "026-01-01", "2026-1-01", "2026-01-1", "2026-01-01 ", "2026/01/01", "2026-01-01T00:00"} {
		_, ok := parseDate(text)
		assert.False(t, ok, text)
	}
}

func TestParseTimestamp(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1970-01-01":                           "0",
		"1970-01-01T00:00":                     "0",
		"1970-01-01 00:00:01":                  "1",
		"1970-01-01t23:59:59.999":              "86399999/1000",
		"1969-12-31T23:59:59.5":                "-1/2",
		"1970-01-01T00:00:00.0000000000000001": "1/10000000000000000",
		"2026-01-31T12:00:00":                  "1769860800",
	} {
		for _, parse := range []func(string) (*big.Rat, bool){parseLocal, parseInstant} {
			got, ok := parse(text)
			if assert.True(t, ok, text) {
				assert.Equal(t, want, got.RatString(), text)
			}
		}
	}
	for text, want := range map[string]string{
		"1970-01-01T00:00Z": "0", "1970-01-01T00:00:00z": "0", "1970-01-01T01:00+01:00": "0", "1970-01-01T01:00+0100": "0",
		"1970-01-01T00:00-05": "18000", "1970-01-01T00:00:00.5+23:59": "-172679/2", "1970-01-01 00:00:00-00:30": "1800",
	} {
		got, ok := parseInstant(text)
		if assert.True(t, ok, text) {
			assert.Equal(t, want, got.RatString(), text)
		}
		_, ok = parseLocal(text)
		assert.False(t, ok, text)
	}
	for _, text := range []string{
		"", "1970-01-01T", "1970-01-01Z", "1970-01-01T24:00", "1970-01-01T00:60", "1970-01-01T00:00:60", "1970-01-01T00:00:00.", "1970-01-01  00:00",
		"1970-01-01T0:00", "1970-01-01T00:00+24:00", "1970-01-01T00:00+01:60", "1970-01-01T00:00 Z", "1970-13-01T00:00", "1970-01-01T00:00:00,5",
	} {
		_, ok := parseInstant(text)
		assert.False(t, ok, text)
	}
}

func TestParseClockAndDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"00:00": "0", "12:30": "45000", "23:59:59.999999999": "86399999999999/1000000000"} {
		got, ok := parseClock(text)
		if assert.True(t, ok, text) {
			assert.Equal(t, want, got.RatString(), text)
		}
	}
	for text, want := range map[string]string{
		"90s": "90", "1h30m": "5400", "-0.5s": "-1/2", "+1ms": "1/1000", "2us": "1/500000", "2µs": "1/500000", "3ns": "3/1000000000",
		"1m1ms": "60001/1000", "1000000000h": "3600000000000",
	} {
		got, ok := parseDuration(text)
		if assert.True(t, ok, text) {
			assert.Equal(t, want, got.RatString(), text)
		}
	}
	for _, text := range []string{"", "90", "s", "1 s", "1d", "1.s", ".5s", "--1s", "1s-1s", "1.2.3s"} {
		_, ok := parseDuration(text)
		assert.False(t, ok, text)
	}
}

func TestHalfPrecisionRoundTripsAndRounds(t *testing.T) {
	t.Parallel()
	for bits := range 1 << 16 {
		f := halfToFloat(uint16(bits))
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			continue
		}
		got := round16(new(big.Rat).SetFloat64(float64(f)))
		require.Equal(t, f, got, "bits %#x", bits) // also 0 for -0: they are equal
	}
	for text, want := range map[string]float32{
		"0.1": 0.0999755859375, "65504": 65504, "65519.999": 65504, "65520": float32(math.Inf(1)), "-1e400": float32(math.Inf(-1)),
		"2049": 2048, "2051": 2052, "2049.0001": 2050, // ties to even
		"5.9604644775390625e-8": 5.9604644775390625e-8, "2.98e-8": 0, "2.99e-8": 5.9604644775390625e-8, "-1e-400": 0,
	} {
		r, ok := parseNumber(text)
		require.True(t, ok, text)
		assert.Equal(t, want, round16(r), text)
	}
	assert.True(t, math.IsNaN(float64(halfToFloat(0x7c01))))
	assert.Equal(t, float32(math.Inf(-1)), halfToFloat(0xfc00))
	assert.True(t, math.Signbit(float64(halfToFloat(0x8000))))
}

func TestBitmapWords(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		bytes := make([]byte, 1+random.IntN(40))
		for i := range bytes {
			bytes[i] = byte(random.Uint32())
		}
		offset := random.IntN(8 * len(bytes))
		b := bitmap{bytes, offset, random.IntN(8*len(bytes) - offset + 1)}
		for i := range 64 * b.words() {
			want := i < b.length && bytes[(offset+i)/8]>>((offset+i)%8)&1 == 1
			require.Equal(t, want, b.get(i), "offset %d, length %d, bit %d", b.offset, b.length, i)
		}
	}
}

// FuzzLiteral: no text makes a parser panic, and what two parsers both read is the same.
func FuzzLiteral(f *testing.F) {
	for _, seed := range []string{"1", "-0.5e3", "0x1f", "1_0", "2026-01-31", "-4712-01-01T00:00:00.5+01:00", "12:30:00", "1h30m", ".inf", "9e9999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := parseNumber(text); ok && !strings.ContainsAny(text, "_xob") {
			want, ok := new(big.Rat).SetString(text)
			require.True(t, ok)
			require.Zero(t, want.Cmp(got))
		}
		if got, ok := parseInstant(text); ok {
			if want, err := time.Parse(time.RFC3339Nano, text); err == nil && len(text) <= len(time.RFC3339Nano) {
				exact := new(big.Rat).SetFrac64(int64(want.Nanosecond()), 1e9)
				require.Equal(t, exact.Add(exact, new(big.Rat).SetInt64(want.Unix())).RatString(), got.RatString())
			}
		}
		if got, ok := parseDuration(text); ok {
			if want, err := time.ParseDuration(text); err == nil {
				seconds, _ := got.Float64()
				require.InDelta(t, want.Seconds(), seconds, 1e-6*math.Max(1, math.Abs(seconds)))
			}
		}
		parseDate(text)
		parseClock(text)
		parseLocal(text)
		parseInfinity(text)
	})
}
