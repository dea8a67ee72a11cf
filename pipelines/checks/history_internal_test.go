package checks

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/pipelines/config"
)

func TestUsualOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows []int64
		want usual
	}{
		"one":                   {[]int64{100}, usual{100, 1}},
		"odd":                   {[]int64{100, 90, 130}, usual{100, 10}},
		"even":                  {[]int64{10, 40, 20, 30}, usual{25, 10}},
		"an outlier":            {[]int64{100, 102, 98, 104, 1_000_000}, usual{102, 2}},
		"always the same":       {[]int64{7, 7, 7}, usual{7, 1}},
		"many, always the same": {[]int64{5_000_000, 5_000_000}, usual{5_000_000, 5000}},
		"many, hardly changing": {[]int64{5_000_000, 5_000_001, 5_000_002}, usual{5_000_001, 5000.001}},
		"none":                  {[]int64{0, 0}, usual{0, 1}},
	} {
		assert.Equal(t, c.want, usualOf(c.rows), name)
	}
}

func TestHistoryBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows           []int64
		deviation      config.Ratio
		least, most    int64
		expected, note string
	}{
		"as usual":       {[]int64{9, 100, 90, 130}, 2.5, 75, 125, "75 to 125 rows (in the last 3 runs the median was 100 and its median deviation 10, of which 2.5 are allowed)", ""},
		"not below none": {[]int64{1, 1, 1}, 4, 0, 5, "0 to 5 rows (in the last 3 runs the median was 1 and its median deviation 1, of which 4 are allowed)", ""},
		"too few":        {[]int64{100, 90}, 4, 0, 1<<63 - 1, "", "the number of rows was not compared with earlier runs: 2 runs of the 3 that it needs made an extract"},
		"none":           {nil, 4, 0, 1<<63 - 1, "", "the number of rows was not compared with earlier runs: 0 runs of the 3 that it needs made an extract"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := 3
			least, most, expected, note := historyBounds(config.RowCountCheck{VsHistory: &runs, MaxDeviation: &c.deviation}, c.rows)
			assert.Equal(t, []any{c.least, c.most, c.expected, c.note}, []any{least, most, expected, note})
		})
	}
}
