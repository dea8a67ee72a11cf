package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// shardCounts are the numbers of shards that are compared.
var shardCounts = []int{10, 30, 100, 300, 1000, 3000, 10_000}

// Line compares both ways for one shape.
type Line struct {
	Shape
	Merge  Cost `json:"merge"`
	Append Cost `json:"append"`
}

// Comparison is the whole result.
type Comparison struct {
	Rates     Rates   `json:"rates"`
	Prices    Prices  `json:"prices"`
	EvenBytes float64 `json:"even_shard_bytes"` // see evenBytes; 0 if there is no such size
	Growing   []Line  `json:"growing"`          // ever more shards of one size
	Divided   []Line  `json:"divided"`          // one extract in ever smaller shards
}

func compare(r Rates, p Prices, shardBytes, totalBytes float64) Comparison {
	c := Comparison{Rates: r, Prices: p, EvenBytes: evenBytes(r)}
	if c.EvenBytes > 1e18 { // infinite is no JSON
		c.EvenBytes = 0
	}
	line := func(s Shape) Line { return Line{s, merge(s, r, p), appends(s, r, p)} }
	for _, n := range shardCounts {
		c.Growing = append(c.Growing, line(Shape{n, shardBytes}))
		c.Divided = append(c.Divided, line(Shape{n, totalBytes / float64(n)}))
	}
	return c
}

// print writes the tables for people.
func (c Comparison) print(w io.Writer) error {
	even := "merging takes less time whatever the size of a shard"
	if c.EvenBytes > 0 {
		even = fmt.Sprintf("both ways take the same time with shards of %s; larger ones are sooner appended", size(c.EvenBytes))
	}
	var text strings.Builder
	fmt.Fprintln(&text, even)
	for _, part := range []struct {
		title string
		lines []Line
	}{
		{"\never more shards of " + size(c.Growing[0].Bytes), c.Growing},
		{"\none extract of " + size(c.Divided[0].total()) + " in ever smaller shards", c.Divided},
	} {
		fmt.Fprintln(&text, part.title)
		fmt.Fprintln(&text, "\tshards\textract\ttime merge\tappend\tdisk merge\tappend\tnetwork merge\tappend\tdollars merge\tappend\tsooner\t")
		for _, l := range part.lines {
			sooner := "merge"
			if l.Append.Seconds < l.Merge.Seconds {
				sooner = "append"
			}
			fmt.Fprintf(&text, "\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%.2f\t%s\t\n", l.Shards, size(l.total()),
				duration(l.Merge.Seconds), duration(l.Append.Seconds), size(l.Merge.Disk), size(l.Append.Disk),
				size(l.Merge.Network), size(l.Append.Network), l.Merge.Dollars, l.Append.Dollars, sooner)
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := io.WriteString(table, text.String()); err != nil {
		return err
	}
	return table.Flush()
}

func size(n float64) string { return humanize.Bytes(uint64(n)) }

func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Hour {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
