package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// benchCase is one command that is measured.
type benchCase struct {
	name  string
	files int
	rows  int64
	args  func(b bench) ([]string, error)

	isHyperlake bool // it writes a report
}

// Rules that are typical: not NULL, a range, a set, a pattern on a short column, and two
// dates compared. First those of lineitem, then those of the lakes that this program makes.
const (
	lineitemRules = `[{column: l_orderkey, not_null: true}, {column: l_quantity, min: 1, max: 50}, {column: l_returnflag, in: [A, N, R]},
      {column: l_shipmode, matches: "^[A-Z ]+$"}, {expr: "l_shipdate <= l_receiptdate"}]`
	madeRules = `[{column: id, not_null: true}, {column: price, min: 0, max: 100000}, {column: mode, in: [AIR, MAIL, RAIL, SHIP, TRUCK]},
      {column: mode, matches: "^[A-Z]{3,5}$"}, {expr: "day <= due"}]`
	converted = "    columns: {l_linenumber: {type: text}}\n" // which hyperd does not do
	inGo      = "validate: {engine: go}\n"
)

// lineitemRows is TPC-H's number at scale 1.
const lineitemRows = 6_001_215

// speedCases load lineitem in several ways.
func speedCases() []benchCase {
	clean, bad, hive := "tpch1/clean/**/*.parquet", "tpch1/bad/*.parquet", "tpch1/hive/**/*.parquet"
	rejects := "    rejects: {path: rejects}\n"
	return []benchCase{
		direct("direct", false), direct("copy per file", true),
		generate("deferred", 8, lineitemRows, clean, lineitemRules, "", ""),
		generate("deferred, bad rows", 8, lineitemRows, bad, lineitemRules, rejects, ""),
		generate("materialised", 8, lineitemRows, clean, lineitemRules, converted, ""),
		generate("materialised, bad rows", 8, lineitemRows, bad, lineitemRules, converted+rejects, ""),
		generate("hive, 1,000 files", 1000, lineitemRows, hive, lineitemRules, "", ""),
		generate("in go, no rules", 8, lineitemRows, clean, "[]", "", inGo),
		generate("in go, five rules", 8, lineitemRows, clean, lineitemRules, "", inGo),
		{name: "pantab", files: 8, rows: lineitemRows, args: func(b bench) ([]string, error) {
			return []string{b.python(), "internal/bench/pantab_load.py", b.path("tpch1/clean/lineitem"), b.path("pantab.hyper")}, nil
		}},
	}
}

// memoryCases are about memory: as many rows in a thousand times as many files, and ten
// times the rows.
func memoryCases() []benchCase {
	made := func(name string, l lake, rules string) benchCase {
		return generate(name, l.files, int64(l.files)*int64(l.rows), l.name+"/**/*.parquet", rules, "", inGo)
	}
	return []benchCase{
		made("few files", few, "[]"), made("five rules", few, madeRules), made("many files", many, "[]"), made("large files", large, "[]"),
	}
}

// scaleTenCases compare memory with the cases of the same names at scale 1.
func scaleTenCases() []benchCase {
	return []benchCase{
		generate("materialised, scale 10", 8, 10*lineitemRows, "tpch10/clean/**/*.parquet", lineitemRules, converted, ""),
		generate("deferred, scale 10", 8, 10*lineitemRows, "tpch10/clean/**/*.parquet", lineitemRules, "", ""),
	}
}

// generate runs hyperlake on a configuration, which it writes.
func generate(name string, files int, rows int64, uri, rules, more, rest string) benchCase {
	return benchCase{name: name, files: files, rows: rows, isHyperlake: true, args: func(b bench) ([]string, error) {
		path := b.path(name + ".yaml")
		text := fmt.Sprintf("name: bench\n%stables:\n  - source: {uri: '%s'}\n    rules: %s\n%s", rest, uri, rules, more)
		return []string{b.program, "generate", path, "--quiet", "--report", b.path("report.json")}, os.WriteFile(path, []byte(text), 0o600)
	}}
}

// direct runs this program again, as the loader of loadDirect.
func direct(name string, perFile bool) benchCase {
	return benchCase{name: name, files: 8, rows: lineitemRows, args: func(b bench) ([]string, error) {
		self, err := os.Executable()
		return []string{self, fmt.Sprintf("-direct=%s", b.path("tpch1/clean")), fmt.Sprintf("-per-file=%t", perFile), "-data=" + b.data}, err
	}}
}

// bench is where things are.
type bench struct {
	program string // hyperlake
	data    string // folder for lakes and extracts
}

func (b bench) path(name string) string { return filepath.Join(b.data, name) }

func (b bench) python() string { return b.path(filepath.Join("venv", "bin", "python")) }
