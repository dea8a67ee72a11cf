package htmlreport

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/words"
)

// unknown stands for a figure that a report does not have.
const unknown = "—"

// count writes a number with its thousands apart.
func count(n *int64) string {
	if n == nil {
		return unknown
	}
	return humanize.Comma(*n)
}

// nouns is plural for a figure that may not be known.
func nouns(n *int64, one, many string) string {
	if n == nil {
		return unknown + " " + many
	}
	return words.Plural(*n, "1 "+one, many)
}

// size writes a number of bytes in a unit that fits. Of what is not there it is unknown.
func size(n *int64) string {
	switch {
	case n == nil || *n <= 0:
		return unknown
	case *n < 1000:
		return words.Count(*n, "byte")
	}
	return humanize.Bytes(uint64(*n))
}

// Share writes part in percent of whole. What is not none is never written as 0 %, and
// what is not all never as 100 %. It is empty where one is not known, or whole is 0.
func Share(part, whole *int64) string {
	if part == nil || whole == nil || *whole == 0 {
		return ""
	}
	share := 100 * float64(*part) / float64(*whole)
	switch {
	case *part != 0 && share < 0.01 && share > 0:
		return "< 0.01 %"
	case *part < *whole && share > 99.99:
		return "> 99.99 %"
	}
	return percentText(share)
}

// percentText writes percents to the hundredth, from ten on to the tenth.
func percentText(share float64) string {
	digits := 2
	if share >= 9.995 {
		digits = 1
	}
	text := strconv.FormatFloat(share, 'f', digits, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + " %"
}

// Seconds writes a duration in units that fit.
func Seconds(seconds float64) string {
	switch {
	case seconds < 0 || math.IsNaN(seconds) || math.IsInf(seconds, 0):
		return unknown
	case seconds == 0:
		return "0 s"
	case seconds < 0.001:
		return "< 1 ms"
	case seconds < 0.0995:
		return fmt.Sprintf("%.0f ms", 1000*seconds)
	case seconds < 9.95:
		return strconv.FormatFloat(roundDigits(seconds, 2), 'f', -1, 64) + " s"
	case seconds < 59.5:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 3599.5:
		whole := int64(math.Round(seconds))
		return twoUnits(whole/60, "min", whole%60, "s")
	}
	minutes := int64(math.Round(seconds / 60))
	return twoUnits(minutes/60, "h", minutes%60, "min")
}

func twoUnits(n int64, unit string, rest int64, restUnit string) string {
	text := humanize.Comma(n) + " " + unit
	if rest > 0 {
		text += fmt.Sprintf(" %d %s", rest, restUnit)
	}
	return text
}

// rate writes rows a second; it is empty where there is nothing to divide.
func rate(rows *int64, seconds float64) string {
	if isZero(rows) || !(seconds > 0) {
		return ""
	}
	return humanize.Comma(int64(roundDigits(float64(*rows)/seconds, 3)))
}

// roundDigits rounds to so many digits from the first that is not 0.
func roundDigits(x float64, digits int) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	if err != nil {
		return x
	}
	return rounded
}

// percentOf is part in percent of whole, from 0 to 100.
func percentOf(part, whole float64) float64 {
	if !(whole > 0) {
		return 0
	}
	return max(0, min(100, 100*part/whole))
}

// length writes percents for a style sheet.
func length(percent float64) string { return strconv.FormatFloat(percent, 'f', 3, 64) + "%" }

// clip shortens text to what a cell of a table can show.
func clip(text string) string {
	const most = 200 // characters
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}
