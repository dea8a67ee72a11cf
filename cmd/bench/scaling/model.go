package main

import "math"

// Shape is how an extract is divided.
type Shape struct {
	Shards int     `json:"shards"`
	Bytes  float64 `json:"shard_bytes"`
}

func (s Shape) total() float64 { return float64(s.Shards) * s.Bytes }

// Cost is what one way takes from the last partial on the staging to the last row in Tableau.
// Loading is the same both ways, and is left out.
type Cost struct {
	Seconds float64 `json:"seconds"`
	Disk    float64 `json:"peak_disk_bytes"` // of any machine
	Network float64 `json:"network_bytes"`   // into or out of a machine of ours
	Dollars float64 `json:"dollars"`
}

const (
	chunkPartials = 64      // as in sinks/hyper, which copies two chunks at most
	chunkBytes    = 1 << 30 // bytes of one, unless it is one partial
)

// copies is how many bytes of partials lie beside the extract while it is merged.
func (s Shape) copies() float64 {
	chunk := math.Min(chunkPartials, math.Max(1, math.Floor(chunkBytes/s.Bytes)))
	return math.Min(2*chunk, float64(s.Shards-1)) * s.Bytes
}

// merge is the way of one file. A worker copies the base, then the others while it inserts
// those before, and uploads the extract; the driver downloads it, reads it whole for the
// ledger, uploads it to its place and to Tableau.
func merge(s Shape, r Rates, p Prices) Cost {
	total := s.total()
	rest := total - s.Bytes
	worker := s.Bytes/r.Storage + math.Max(rest/r.Storage, rest/r.Insert) + float64(s.Shards-1)*r.Attach
	worker += total/r.Hash + total/r.Storage
	driver := total/r.Storage + 2*total/r.Hash + total/r.Storage + total/r.Content
	server := total/r.Upload + total/r.ServerLoad + r.ServerAppend
	c := Cost{Seconds: worker + driver + server, Disk: total + s.copies(), Network: 5 * total}
	// The worker's disk lies idle when it is done, but the driver needs one of its own.
	disk := c.Disk*worker + total*(driver+server)
	c.Dollars = p.dollars(c.Seconds, disk, total, 2)
	return c
}

// appends is the way of many files. The driver downloads each to count its rows, has the
// storage copy it to its place, and downloads it again to send it.
func appends(s Shape, r Rates, p Prices) Cost {
	total, n := s.total(), float64(s.Shards)
	counting := total/r.Storage + total/r.Hash + n*r.Attach
	placing := n * r.Request
	sending := total/r.Storage + total/r.Hash + total/r.Upload + n*r.Append
	server := total/r.ServerLoad + n*r.ServerAppend
	if r.ServerRewrite > 0 { // with the k-th append, what k-1 brought
		server += s.Bytes * n * (n - 1) / 2 / r.ServerRewrite
	}
	c := Cost{Seconds: counting + placing + sending + server, Disk: s.Bytes, Network: 3 * total}
	c.Dollars = p.dollars(c.Seconds, c.Disk*c.Seconds, total, n)
	return c
}

// dollars is what machines, a disk (in bytes times seconds), the way to Tableau and requests cost.
func (p Prices) dollars(seconds, disk, sent, requests float64) float64 {
	return seconds/hour*p.Machine + disk/gb/month*p.Disk + sent/gb*p.Egress + requests/1000*p.Requests
}

// evenBytes is the size of a shard at which both ways take the same time, for many shards:
// larger ones are appended sooner, smaller ones merged. It is infinite where merging always
// is sooner. What a server rewrites is left out: it grows with the number of shards.
func evenBytes(r Rates) float64 {
	merged := math.Max(1/r.Storage, 1/r.Insert) + 3/r.Storage + 3/r.Hash + 1/r.Content
	appended := 2/r.Storage + 2/r.Hash
	if merged <= appended {
		return math.Inf(1)
	}
	return (r.Request + r.Append + r.ServerAppend) / (merged - appended)
}
