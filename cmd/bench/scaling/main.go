// Command scaling says what it takes to publish an extract of many shards in two ways: its
// partials are merged into one file on a worker, or each is sent to Tableau by itself, the
// first to replace what is there and the others to be appended. It is a model: it adds up
// time, disk, network and money from rates, and prints tables or JSON. The same rates give
// the same tables.
//
//	go run ./cmd/bench/scaling
//	go run ./cmd/bench/scaling -shard-bytes 16e6 -json
//	go run ./cmd/bench/scaling -measure partials -hyperlake bin/hyperlake > rates.json
//	go run ./cmd/bench/scaling -rates rates.json
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

func main() {
	shardBytes := flag.Float64("shard-bytes", 256e6, "bytes of a partial")
	totalBytes := flag.Float64("total-bytes", 500e9, "bytes of all partials, for the table of one extract in ever smaller shards")
	asJSON := flag.Bool("json", false, "print JSON")
	rates := flag.String("rates", "", "file with rates that differ from the defaults, as -measure prints them")
	prices := flag.String("prices", "", "file with prices that differ from the defaults, as JSON")
	folder := flag.String("measure", "", "measure rates with the partials in this folder, all of one table, and print them")
	program := flag.String("hyperlake", "bin/hyperlake", "the program to measure publishing with")
	flag.Parse()
	var err error
	if *folder != "" {
		err = printMeasured(context.Background(), *folder, *program)
	} else {
		err = simulate(*rates, *prices, *shardBytes, *totalBytes, *asJSON)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(1)
	}
}

func simulate(ratesFile, pricesFile string, shardBytes, totalBytes float64, asJSON bool) error {
	rates, prices := defaultRates(), defaultPrices()
	for _, file := range []struct {
		path string
		into any
	}{{ratesFile, &rates}, {pricesFile, &prices}} {
		if file.path == "" {
			continue
		}
		data, err := os.ReadFile(file.path)
		if err == nil {
			err = json.Unmarshal(data, file.into)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", file.path, err)
		}
	}
	result := compare(rates, prices, shardBytes, totalBytes)
	if asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(result)
	}
	return result.print(os.Stdout)
}
