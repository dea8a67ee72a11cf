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
	Bytes          int64     `json:"bytes"` // of the files
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

func run(program, data string, rounds int) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	var results []*result
	for _, lake := range lakes {
		r, err := lake.make(filepath.Join(data, lake.name))
		if err != nil {
			return fmt.Errorf("make the lake %s: %w", lake.name, err)
		}
		results = append(results, r)
	}
	for range rounds {
		for _, r := range results {
			fmt.Fprintf(os.Stderr, "%s: %d rows in %d files\n", r.Name, r.Rows, r.Files)
			if err := r.measure(program, filepath.Join(data, r.Name)); err != nil {
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
		compare(results, "many files", "few files"),
		compare(results, "large files", "few files"),
		compare(results, "many files", "large files"),
	}})
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
