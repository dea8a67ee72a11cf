// Command bench measures hyperlake against itself on lakes that it makes, side by side in
// one run, and prints JSON: the time and the peak memory of the processes of every case, and
// the ratios that matter. Nothing of it is a test: figures depend on the machine.
//
//	go run ./internal/bench -hyperlake bin/hyperlake -data out/bench
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// result is what one case took.
type result struct {
	Name           string    `json:"name"`
	Files          int       `json:"files"`
	Rows           int64     `json:"rows"`
	Seconds        []float64 `json:"seconds"`
	MedianSeconds  float64   `json:"median_seconds"`
	HyperlakeBytes int64     `json:"peak_hyperlake_bytes"`
	HyperdBytes    int64     `json:"peak_hyperd_bytes"`
}

// ratio compares two cases.
type ratio struct {
	Of        string  `json:"of"`
	To        string  `json:"to"`
	Seconds   float64 `json:"seconds"`
	Hyperlake float64 `json:"peak_hyperlake"`
}

func main() {
	program := flag.String("hyperlake", "bin/hyperlake", "the program to measure")
	data := flag.String("data", "out/bench", "folder for the lakes, which are made once, and the extracts")
	rounds := flag.Int("rounds", 3, "how often every case is run, in turn")
	flag.Parse()
	if err := run(*program, *data, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// benchCase is a lake and the rules that its rows are held against.
type benchCase struct {
	name  string
	lake  lake
	rules string
}

// fiveRules are typical ones: not NULL, a range, a set, a pattern on a short column, and
// two dates compared.
const fiveRules = `[{column: id, not_null: true}, {column: price, min: 0, max: 100000}, {column: mode, in: [AIR, MAIL, RAIL, SHIP, TRUCK]},
      {column: mode, matches: "^[A-Z]{3,5}$"}, {expr: "day <= due"}]`

var cases = []benchCase{
	{"few files", few, "[]"},
	{"five rules", few, fiveRules},
	{"many files", many, "[]"},
	{"large files", large, "[]"},
}

func run(program, data string, rounds int) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	results := make([]*result, len(cases))
	for i, c := range cases {
		if err := c.lake.make(filepath.Join(data, c.lake.name)); err != nil {
			return fmt.Errorf("make the lake %s: %w", c.lake.name, err)
		}
		results[i] = &result{Name: c.name, Files: c.lake.files, Rows: int64(c.lake.files) * int64(c.lake.rows)}
	}
	for range rounds {
		for i, r := range results {
			fmt.Fprintf(os.Stderr, "%s: %d rows in %d files\n", r.Name, r.Rows, r.Files)
			config, err := cases[i].configure(data)
			if err == nil {
				err = r.measure(program, config)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", r.Name, err)
			}
		}
	}
	for _, r := range results {
		r.MedianSeconds = median(r.Seconds)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		Cases  []*result `json:"cases"`
		Ratios []ratio   `json:"ratios"`
	}{results, []ratio{
		compare(results, "five rules", "few files"),
		compare(results, "many files", "few files"),
		compare(results, "large files", "few files"),
	}})
}

// configure writes the configuration of a case.
func (c benchCase) configure(data string) (string, error) {
	path := filepath.Join(data, c.name+".yaml")
	text := fmt.Sprintf("name: bench\ntables:\n  - source: {uri: '%s/**/*.parquet'}\n    rules: %s\n", c.lake.name, c.rules)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func compare(results []*result, of, to string) ratio {
	find := func(name string) *result {
		return results[slices.IndexFunc(results, func(r *result) bool { return r.Name == name })]
	}
	a, b := find(of), find(to)
	return ratio{of, to, a.MedianSeconds / b.MedianSeconds, float64(a.HyperlakeBytes) / float64(b.HyperlakeBytes)}
}
