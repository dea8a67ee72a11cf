// Command bench measures hyperlake beside other ways to load the same rows, in turn in one
// run, and prints JSON: for every case the time, the processor time and the peak memory of
// its processes, the stages of the run, and the ratios that matter. It installs what it
// compares with, and makes its lakes. Nothing of it is a test: figures depend on the machine.
//
//	go run ./cmd/bench -hyperlake bin/hyperlake -data out/bench -suite speed
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// ratio compares two cases: the median over the rounds, each of which ran both.
type ratio struct {
	Of        string  `json:"of"`
	To        string  `json:"to"`
	Seconds   float64 `json:"seconds"`
	Processor float64 `json:"processor"` // time, of all processes
	PeakBytes float64 `json:"peak_bytes"`
}

func main() {
	program := flag.String("hyperlake", "bin/hyperlake", "the program to measure")
	data := flag.String("data", "out/bench", "folder for the lakes, which are made once, and the extracts")
	suite := flag.String("suite", "speed", "what to measure: speed, growth, memory, nights, scale10 or ingest")
	rows := flag.Int64("rows", 10_000_000, "of the suite ingest")
	rounds := flag.Int("rounds", 3, "how often every case is run, in turn")
	only := flag.Bool("only-data", false, "make the lakes, and measure nothing")
	source := flag.String("direct", "", "load this folder by hyperd alone, and do nothing else")
	perFile := flag.Bool("per-file", false, "with -direct: a statement for every file")
	flag.Parse()
	var err error
	if *source != "" {
		err = loadDirect(context.Background(), *source, filepath.Join(*data, "direct.hyper"), *perFile)
	} else {
		err = run(bench{program: *program, data: *data, rows: *rows}, *suite, *rounds, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(b bench, suite string, rounds int, onlyData bool) (err error) {
	if b.program, err = filepath.Abs(b.program); err != nil {
		return err
	}
	if b.data, err = filepath.Abs(b.data); err != nil {
		return err
	}
	if err := os.MkdirAll(b.data, 0o755); err != nil {
		return err
	}
	cases, err := b.prepare(suite)
	if err != nil || onlyData {
		return err
	}
	results := make([]*result, len(cases))
	for i, c := range cases {
		results[i] = &result{Name: c.name, Files: c.files, Rows: c.rows}
	}
	for range rounds {
		for i, c := range cases {
			fmt.Fprintf(os.Stderr, "%s: %d rows in %d files\n", c.name, c.rows, c.files)
			if err := b.measure(c, results[i]); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	for _, r := range results {
		r.finish()
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		Cases  []*result `json:"cases"`
		Ratios []ratio   `json:"ratios"`
	}{results, ratios(results)})
}

// measure runs a case once.
func (b bench) measure(c benchCase, r *result) error {
	args, err := c.args(b)
	if err != nil {
		return err
	}
	run := r.measure
	if c.usesServer {
		run = r.measureWithServer
	}
	if err := run(append(slices.Clone(c.under), args...)); err != nil {
		return err
	}
	if c.isHyperlake {
		err = r.addReport(b.path("report.json"))
	}
	if err == nil && c.output != "" {
		r.OutputBytes, err = size(c.output)
	}
	if err == nil && c.hasDates {
		r.WeekSeconds, err = askForWeek(context.Background(), b.path("bench.hyper"))
	}
	return err
}

// prepare makes what a suite needs, and lists its cases.
func (b bench) prepare(suite string) ([]benchCase, error) {
	switch suite {
	case "speed":
		return speedCases(), errors.Join(b.install(), b.makeLineitem("1"))
	case "growth":
		return growthCases(), errors.Join(b.install(), b.makeLineitem("1"))
	case "memory":
		return memoryCases(), b.makeLakes(few, many, large)
	case "nights":
		return nightCases(), errors.Join(b.install(), b.makeLineitem("1"), b.makeLakes(many))
	case "scale10":
		if err := errors.Join(b.install(), b.makeLineitem("1"), b.makeLineitem("10")); err != nil {
			return nil, err
		}
		wanted := scaleTenCases()
		for _, c := range speedCases() {
			if c.name == "materialised" || c.name == "deferred" {
				wanted = append(wanted, c)
			}
		}
		return wanted, nil
	case "ingest":
		return b.ingestCases(), errors.Join(b.install(), b.makeCSV(), b.makeTable())
	}
	return nil, fmt.Errorf("there is no suite %q", suite)
}

// compared are the cases that say something about each other.
var compared = [][2]string{
	{"copy per file", "direct"}, {"deferred", "direct"}, {"deferred, bad rows", "direct"}, {"materialised", "direct"},
	{"materialised, bad rows", "direct"}, {"hive, 1,000 files", "direct"}, {"pantab", "direct"},
	{"pantab", "deferred"}, {"pantab", "materialised"}, {"in go, five rules", "in go, no rules"},
	{"five rules", "few files"}, {"many files", "few files"}, {"large files", "few files"},
	{"sorted by date", "deferred"}, {"materialised, scale 10", "materialised"}, {"deferred, scale 10", "deferred"},
	{"direct, one core", "direct"}, {"deferred, one core", "deferred"}, {"materialised, one core", "materialised"},
	{"deferred, four columns", "deferred"}, {"materialised, four columns", "materialised"},
	{"csv", "csv, duckdb"}, {"table", `table, \copy and duckdb`}, {"table, two readers", `table, \copy and duckdb`},
	{"one of 100 units", "100 units"}, {"100 units, unchanged", "100 units"}, {"10,000 files, unchanged", "10,000 files"},
}

func ratios(results []*result) []ratio {
	find := func(name string) *result {
		at := slices.IndexFunc(results, func(r *result) bool { return r.Name == name })
		if at < 0 {
			return nil
		}
		return results[at]
	}
	var found []ratio
	for _, pair := range compared {
		if a, b := find(pair[0]), find(pair[1]); a != nil && b != nil {
			found = append(found, ratio{
				Of: pair[0], To: pair[1], Seconds: medianRatio(a.Seconds, b.Seconds), Processor: medianRatio(a.Processor, b.Processor),
				PeakBytes: float64(a.PeakBytes) / float64(b.PeakBytes),
			})
		}
	}
	return found
}

func medianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}
