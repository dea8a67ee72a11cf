package rejects_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/rejects"
)

func TestBundlesAddUpInAnyOrder(t *testing.T) {
	t.Parallel()
	sample := func(rule int, file string, row int64) rejects.Sample {
		return rejects.Sample{Rule: rule, File: file, Row: row, Reason: "found 1, expected 2"}
	}
	bundles := []rejects.Account{
		{Table: 4, Rows: 3, Rules: []int64{3}, Samples: []rejects.Sample{sample(0, "b", 1), sample(0, "b", 2), sample(0, "b", 10)}},
		{Table: 4, Rows: 2, Rules: []int64{1, 1}, Samples: []rejects.Sample{sample(0, "a", 99), sample(1, "z", 5)}},
		{Table: 4, Rows: 1, Rules: []int64{1, 0, 1}, Samples: []rejects.Sample{sample(0, "b", 0), sample(2, "c", 0)}},
		{Table: 4},
	}
	for range 20 {
		rand.Shuffle(len(bundles), func(i, j int) { bundles[i], bundles[j] = bundles[j], bundles[i] })
		sum := rejects.Account{Table: 4}
		for _, b := range bundles {
			sum.Add(b)
		}
		assert.Equal(t, rejects.Account{Table: 4, Rows: 6, Rules: []int64{5, 1, 1}, Samples: []rejects.Sample{
			sample(0, "a", 99), sample(0, "b", 0), sample(0, "b", 1), sample(1, "z", 5), sample(2, "c", 0),
		}}, sum)
	}
}

// However many rows of one rule come before those of another, each rule has its samples.
func TestSamplesOfRulesAndUnits(t *testing.T) {
	t.Parallel()
	var all []rejects.Sample
	for row := range int64(4) {
		for rule := range 3 {
			for _, unit := range []string{"", "u", "v"} {
				all = append(all, rejects.Sample{Rule: rule, Unit: unit, File: "f" + unit, Row: row})
			}
		}
	}
	var sum rejects.Account
	for _, s := range all {
		sum.Add(rejects.Account{Samples: []rejects.Sample{s}})
	}
	once := rejects.Account{}
	once.Add(rejects.Account{Samples: all})
	assert.Equal(t, once, sum)
	assert.Len(t, sum.Samples, 3*3*3)
	firsts := rejects.WithoutUnits(sum.Samples)
	require.Len(t, firsts, 3*3)
	for i, s := range firsts {
		assert.Equal(t, rejects.Sample{Rule: i / 3, File: "f", Row: int64(i % 3)}, s)
	}
}

func TestBundlesTravelWhole(t *testing.T) {
	t.Parallel()
	want := rejects.Account{
		Table: 1, Rows: 2, Rules: []int64{0, 2},
		Files:   []rejects.File{{URI: "gs://b/ž", Bytes: 1 << 40, Rows: 2, Version: "1152921504606846976", SHA256: "ab"}},
		Samples: []rejects.Sample{{Rule: 1, File: "f", RowGroup: 2, Row: 1 << 50, Reason: "found \"x\", expected y"}},
	}
	data, err := json.Marshal(want)
	require.NoError(t, err)
	var got rejects.Account
	err = json.Unmarshal(data, &got)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	err = json.Unmarshal(data[:len(data)-1], &got)
	require.Error(t, err)
}
