package main

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// even are rates with which every step of 100 bytes takes a second.
func even() Rates {
	return Rates{
		Hash: 100, Insert: 100, Content: 100, Storage: 100, Upload: 100, ServerLoad: 100,
		Attach: 0.1, Append: 2, Request: 1, ServerAppend: 3,
	}
}

func TestSecondsAddUp(t *testing.T) {
	t.Parallel()
	slowInsert, rewrites := even(), even()
	slowInsert.Insert = 50
	rewrites.ServerRewrite = 100
	cases := []struct {
		name           string
		shape          Shape
		rates          Rates
		merge, appends float64
	}{
		// Merge: base 1, rest 9, attaching 0.9, hash and upload 20; download, two hashes, upload
		// and content 50; Tableau 10 + 10 + 3. Append: count 21, copies 10, sending 30 + 20, server 10 + 30.
		{"ten shards", Shape{10, 100}, even(), 1 + 9 + 0.9 + 20 + 50 + 23, 21 + 10 + 50 + 40},
		{"inserting is slower than copying", Shape{10, 100}, slowInsert, 1 + 18 + 0.9 + 20 + 50 + 23, 121},
		{"one shard", Shape{1, 100}, even(), 1 + 2 + 5 + 5, 2.1 + 1 + 5 + 4},
		{"the server rewrites", Shape{10, 100}, rewrites, 103.9, 121 + 45},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			assert.InDelta(t, c.merge, merge(c.shape, c.rates, Prices{}).Seconds, 1e-9)
			assert.InDelta(t, c.appends, appends(c.shape, c.rates, Prices{}).Seconds, 1e-9)
		})
	}
}

func TestDiskAndNetwork(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name        string
		shape       Shape
		merge, each float64
	}{
		{"two chunks of copies", Shape{1000, 1 << 20}, (1000 + 128) << 20, 1 << 20},
		{"chunks of few large partials", Shape{100, 256 << 20}, (100 + 8) * 256 << 20, 256 << 20},
		{"no chunk holds more than one", Shape{10, 3 << 30}, 12 * (3 << 30), 3 << 30},
		{"fewer than two chunks", Shape{10, 100}, 1900, 100},
		{"one shard", Shape{1, 100}, 100, 100},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			merged, appended := merge(c.shape, even(), Prices{}), appends(c.shape, even(), Prices{})
			assert.InEpsilon(t, c.merge, merged.Disk, 1e-12)
			assert.InEpsilon(t, c.each, appended.Disk, 1e-12)
			assert.InEpsilon(t, 5*c.shape.total(), merged.Network, 1e-12)
			assert.InEpsilon(t, 3*c.shape.total(), appended.Network, 1e-12)
		})
	}
}

func TestDollarsAddUp(t *testing.T) {
	t.Parallel()
	p := Prices{Machine: 2, Disk: 730, Egress: 0.5, Requests: 4}
	// Two hours of a machine, 3 GB of disk for an hour, 10 GB to Tableau, 500 requests.
	assert.InDelta(t, 4+3+5+2, p.dollars(2*hour, 3*gb*hour, 10*gb, 500), 1e-9)
	assert.InDelta(t, appends(Shape{2, 100}, even(), p).Seconds/hour*2, appends(Shape{2, 100}, even(), Prices{Machine: 2}).Dollars, 1e-12)
}

// At the size where both ways are even, they are, for many shards; on either side one wins.
func TestEvenBytes(t *testing.T) {
	t.Parallel()
	r := even()
	size := evenBytes(r)
	assert.InDelta(t, 6/(0.08-0.04), size, 1e-9)
	const many = 1_000_000
	difference := func(factor float64) float64 {
		s := Shape{many, size * factor}
		return (appends(s, r, Prices{}).Seconds - merge(s, r, Prices{}).Seconds) / many
	}
	assert.InDelta(t, 0, difference(1), 1e-2)
	assert.Positive(t, difference(0.5), "small shards are merged")
	assert.Negative(t, difference(2), "large ones are appended")

	r.Insert, r.Storage, r.Hash, r.Content = math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1)
	assert.True(t, math.IsInf(evenBytes(r), 1), "merging costs nothing")
}

// The same rates give the same tables, which say what the JSON says.
func TestComparisonIsDeterministic(t *testing.T) {
	t.Parallel()
	one, two := compare(defaultRates(), defaultPrices(), 256e6, 500e9), compare(defaultRates(), defaultPrices(), 256e6, 500e9)
	assert.Equal(t, one, two)
	var a, b bytes.Buffer
	require.NoError(t, one.print(&a))
	require.NoError(t, two.print(&b))
	assert.Equal(t, a.String(), b.String())
	assert.Contains(t, a.String(), "2.6 TB")
	_, err := json.Marshal(one)
	require.NoError(t, err)
	assert.Len(t, one.Growing, len(shardCounts))
	for _, line := range one.Divided {
		assert.InEpsilon(t, 500e9, line.total(), 1e-12)
	}
}
