package xlsx

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/xlsx/xlsxtest"
)

func TestFormatOf(t *testing.T) {
	for code, want := range map[string]format{
		"":                                  formatNumber,
		"General":                           formatNumber,
		"0.00E+00":                          formatNumber,
		`#,##0.00 "days"`:                   formatNumber,
		`#,##0\ \d\a\y\s`:                   formatNumber,
		"[Red]0;[Magenta]-0":                formatNumber,
		"[$€-407] #,##0.00":                 formatNumber,
		`_-* #,##0_d;"h"`:                   formatNumber,
		"0%":                                formatNumber,
		"# ?/?":                             formatNumber,
		"@":                                 formatNumber,
		`"`:                                 formatNumber,
		"[":                                 formatNumber,
		`\`:                                 formatNumber,
		";;;":                               formatNumber,
		"mm/dd/yyyy":                        formatDate,
		"[$-F800]dddd, mmmm dd, yyyy":       formatDate,
		"mmm-yy":                            formatDate,
		"mm":                                formatDate,
		"dddd":                              formatDate,
		`d. "Uhr" mmmm`:                     formatDate,
		`[$-411]ggge"年"m"月"d"日";@`:          formatDate,
		"aaaa":                              formatDate,
		`[=0]"";yyyy-mm-dd`:                 formatDate,
		"YYYY\\-MM\\-DD":                    formatDate,
		"h:mm AM/PM":                        formatTime,
		"hh:mm:ss.000":                      formatTime,
		"mm:ss":                             formatTime,
		"AM/PM":                             formatTime,
		`上午/下午h"时"mm"分"`:                    formatTime,
		"m/d/yy h:mm":                       formatDateTime,
		"yyyy-mm-dd hh:mm:ss":               formatDateTime,
		`dd"T"hh`:                           formatDateTime,
		"h mmmm":                            formatDateTime,
		"[h]:mm:ss":                         formatElapsed,
		"[mm]:ss":                           formatElapsed,
		"[SS].00":                           formatElapsed,
		"[hm]":                              formatNumber,
		strings.Repeat(";", 1<<16):          formatNumber,
		strings.Repeat(`"`, 1<<16) + "yyyy": formatDate,
	} {
		require.Equal(t, want, formatOf(code), "%.80q", code)
	}
}

// Each double comes back from the 17 digits that Excel writes as the text that a programmer would write for it.
func TestShortest(t *testing.T) {
	draw := rand.New(rand.NewPCG(20, 26))
	for range 3_000 {
		double := math.Float64frombits(draw.Uint64())
		if draw.IntN(2) == 0 {
			double = math.Round(draw.Float64()*1e9) / math.Pow(10, float64(draw.IntN(6)))
		}
		if math.IsNaN(double) || math.IsInf(double, 0) {
			continue
		}
		for _, digits := range []int{16, 17} {
			written := strconv.FormatFloat(double, 'e', digits-1, 64)
			meant, err := strconv.ParseFloat(written, 64)
			if err != nil {
				continue // of 16 digits beyond all doubles
			}
			got := string(shortest([]byte(written)))
			back, err := strconv.ParseFloat(got, 64)
			require.NoError(t, err)
			require.Equal(t, meant, back, written)
			if digits == 17 {
				require.Equal(t, double, back)
				require.LessOrEqual(t, len(strings.TrimRight(got, "0")), len(written), written)
			}
		}
	}
}

// Both ways of splitting a number give the same.
func TestSplitting(t *testing.T) {
	draw := rand.New(rand.NewPCG(20, 27))
	for range 3_000 {
		number := strconv.FormatFloat(draw.Float64()*math.Pow(10, float64(draw.IntN(8))), 'f', draw.IntN(18), 64)
		double, err := strconv.ParseFloat(number, 64)
		require.NoError(t, err)
		days, nanos, ok := splitDecimal([]byte(number))
		require.True(t, ok)
		wantDays, wantNanos := splitRational(number, double)
		require.Equal(t, []int64{wantDays, wantNanos}, []int64{days, nanos}, number)
	}
}

// Texts are the same whether they were kept in memory or on disk.
func TestSharedStringsOnDisk(t *testing.T) {
	draw := rand.New(rand.NewPCG(20, 28))
	var want []string
	var parts strings.Builder
	for range 5_000 {
		want = append(want, strings.Repeat("ä", draw.IntN(40)))
		parts.WriteString("<si><t>" + want[len(want)-1] + "</t></si>")
	}
	file := xlsxtest.Book{Strings: parts.String()}.Bytes(t)
	for _, inMemory := range []int{0, 1000, maxStringsInMemory} {
		book, err := Open(context.Background(), bytes.NewReader(file), int64(len(file)), "f.xlsx")
		require.NoError(t, err)
		s := book.strings
		s.inMemory = inMemory
		require.NoError(t, s.load(book))
		require.Equal(t, inMemory < maxStringsInMemory, s.folder != nil)
		for i, text := range want {
			got, found, err := s.append([]byte("-"), int64(i))
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, "-"+text, string(got))
		}
		_, found, err := s.append(nil, int64(len(want)))
		require.NoError(t, err)
		require.False(t, found)
		require.NoError(t, book.Close())
	}
}
