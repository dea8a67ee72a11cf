package checks

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
)

// RowsBefore is how many rows tables had in earlier runs that made an extract, the oldest first, by schema and name.
type RowsBefore map[[2]string][]int64

// leastDeviation is the part of the median that one deviation is at least, and one row: a table whose rows hardly ever change in
// number may change by some.
const leastDeviation = 0.001

// usual is what the number of rows of a table has been.
type usual struct {
	median, deviation float64
}

// usualOf is the median of numbers, of which there are some, and the median of their absolute deviations from it, as far as
// that is not less than the least.
func usualOf(rows []int64) usual {
	numbers := make([]float64, len(rows))
	for i, n := range rows {
		numbers[i] = float64(n)
	}
	u := usual{median: median(numbers)}
	for i, n := range numbers {
		numbers[i] = math.Abs(n - u.median)
	}
	u.deviation = max(median(numbers), leastDeviation*u.median, 1)
	return u
}

// median sorts numbers.
func median(numbers []float64) float64 {
	slices.Sort(numbers)
	half := len(numbers) / 2
	if len(numbers)%2 == 1 {
		return numbers[half]
	}
	return (numbers[half-1] + numbers[half]) / 2
}

// historyBounds are the least and the greatest number of rows that are usual after some runs. note says why there are none.
func historyBounds(bounds config.RowCountCheck, rows []int64) (least, most int64, expected, note string) {
	wanted := *bounds.VsHistory
	if len(rows) < wanted {
		const note = "the number of rows was not compared with earlier runs: %s of the %d that it needs made an extract"
		return 0, math.MaxInt64, "", fmt.Sprintf(note, words.Count(int64(len(rows)), "run"), wanted)
	}
	u := usualOf(rows[len(rows)-wanted:])
	room := float64(*bounds.MaxDeviation) * u.deviation
	least, most = int64(math.Ceil(max(u.median-room, 0))), int64(math.Floor(min(u.median+room, math.MaxInt64/2)))
	const usual = "%s to %s rows (in the last %d runs the median was %s and its median deviation %s, of which %v are allowed)"
	return least, most, fmt.Sprintf(usual, humanize.Comma(least), humanize.Comma(most), wanted, humanize.Commaf(u.median),
		humanize.Commaf(u.deviation), float64(*bounds.MaxDeviation)), ""
}

// rowCountCheck bounds the number of rows, by numbers and by what it was before.
func rowCountCheck(table string, bounds config.RowCountCheck, before []int64) check {
	var conditions, numbers, names, expected []string
	for _, bound := range []struct {
		number     *int
		sql, words string
	}{{bounds.Min, ">=", "at least"}, {bounds.Max, "<=", "at most"}} {
		if bound.number != nil {
			conditions = append(conditions, fmt.Sprintf("count(*) %s %d", bound.sql, *bound.number))
			numbers = append(numbers, fmt.Sprintf("%s %d", bound.words, *bound.number))
		}
	}
	if len(numbers) > 0 {
		words := strings.Join(numbers, " and ") + " rows"
		names, expected = append(names, words), append(expected, words)
	}
	c := check{figure: "SELECT count(*) FROM " + table}
	if bounds.VsHistory != nil {
		name := fmt.Sprintf("about as many rows as in the last %d runs", *bounds.VsHistory)
		least, most, usual, note := historyBounds(bounds, before)
		c.note = note
		conditions = append(conditions, fmt.Sprintf("count(*) BETWEEN %d AND %d", least, most))
		names, expected = append(names, name), append(expected, cmp.Or(usual, name))
	}
	c.name = strings.Join(names, " and ")
	c.sql = fmt.Sprintf("SELECT %s FROM %s", strings.Join(conditions, " AND "), table)
	c.message = "there are %s rows, expected are " + strings.Join(expected, " and ")
	return c
}
