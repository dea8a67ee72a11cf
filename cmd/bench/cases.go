package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// benchCase is one command that is measured.
type benchCase struct {
	name  string
	files int
	rows  int64
	args  func(b bench) ([]string, error)

	isHyperlake bool     // it writes a report
	hasDates    bool     // the finished file can be asked for a week
	under       []string // a program that runs the command
	usesServer  bool     // of PostgreSQL
	output      string   // the file or folder of Parquet that it leaves
}

// Rules that are typical: not NULL, a range, a set, a pattern on a short column, and two
// dates compared. First those of lineitem, then those of the lakes that this program makes.
const (
	lineitemRules = `[{column: l_orderkey, not_null: true}, {column: l_quantity, min: 1, max: 50}, {column: l_returnflag, in: [A, N, R]},
      {column: l_shipmode, matches: "^[A-Z ]+$"}, {expr: "l_shipdate <= l_receiptdate"}]`
	madeRules = `[{column: id, not_null: true}, {column: price, min: 0, max: 100000}, {column: mode, in: [AIR, MAIL, RAIL, SHIP, TRUCK]},
      {column: mode, matches: "^[A-Z]{3,5}$"}, {expr: "day <= due"}]`
	converted = "    columns: {l_commitdate: {type: text}}\n" // which hyperd does not do
	inGo      = "validate: {engine: go}\n"
)

// clean is the source with lineitem as it is.
const clean = "uri: tpch1/clean/**/*.parquet"

// lineitemRows is TPC-H's number at scale 1.
const lineitemRows = 6_001_215

// speedCases load lineitem in several ways.
func speedCases() []benchCase {
	bad, hive := "uri: tpch1/bad/*.parquet", "uri: tpch1/hive/**/*.parquet"
	rejects := "    rejects: {path: rejects}\n"
	return []benchCase{
		direct("direct", false), direct("copy per file", true),
		generate("deferred", 8, lineitemRows, clean, lineitemRules, "", "").withDates(),
		generate("deferred, bad rows", 8, lineitemRows, bad, lineitemRules, rejects, ""),
		generate("materialised", 8, lineitemRows, clean, lineitemRules, converted, ""),
		generate("materialised, bad rows", 8, lineitemRows, bad, lineitemRules, converted+rejects, ""),
		generate("hive, 1,000 files", 1000, lineitemRows, hive, lineitemRules, "", ""),
		generate("sorted by date", 8, lineitemRows, clean, lineitemRules, "    repartition: {sort: [l_shipdate]}\n", "").withDates(),
		generate("in go, no rules", 8, lineitemRows, clean, "[]", "", inGo),
		generate("in go, five rules", 8, lineitemRows, clean, lineitemRules, "", inGo),
		{name: "pantab", files: 8, rows: lineitemRows, args: func(b bench) ([]string, error) {
			return []string{b.python(), "cmd/bench/pantab_load.py", b.path("tpch1/clean/lineitem"), b.path("pantab.hyper")}, nil
		}},
	}
}

// memoryCases are about memory: as many rows in a thousand times as many files, and ten
// times the rows.
func memoryCases() []benchCase {
	made := func(name string, l lake, rules string) benchCase {
		return generate(name, l.files, int64(l.files)*int64(l.rows), "uri: "+l.name+"/**/*.parquet", rules, "", inGo)
	}
	return []benchCase{
		made("few files", few, "[]"), made("five rules", few, madeRules), made("many files", many, "[]"), made("large files", large, "[]"),
	}
}

// growthCases show what fewer columns and fewer cores do.
func growthCases() []benchCase {
	few := clean + ", select: [l_orderkey, l_quantity, l_shipdate, l_returnflag]"
	cases := []benchCase{
		direct("direct", false),
		generate("deferred", 8, lineitemRows, clean, "[]", "", ""),
		generate("materialised", 8, lineitemRows, clean, "[]", "", inGo),
	}
	for _, c := range slices.Clone(cases) {
		c.name += ", one core"
		c.under = []string{"taskset", "--cpu-list", "0"}
		cases = append(cases, c)
	}
	return append(cases,
		generate("deferred, four columns", 8, lineitemRows, few, "[]", "", ""),
		generate("materialised, four columns", 8, lineitemRows, few, "[]", "", inGo))
}

// nightCases are what a night costs by what changed: everything, one unit, and nothing.
func nightCases() []benchCase {
	units, files := night{"units", "tpch1/units"}, night{"files", many.name}
	return []benchCase{
		units.run("100 units", 100, lineitemRows, units.forget), units.run("one of 100 units", 100, lineitemRows, units.touch),
		units.run("100 units, unchanged", 100, lineitemRows, nil),
		files.run("10,000 files", many.files, int64(many.files*many.rows), files.forget),
		files.run("10,000 files, unchanged", many.files, int64(many.files*many.rows), nil),
	}
}

// scaleTenCases compare memory with the cases of the same names at scale 1.
func scaleTenCases() []benchCase {
	return []benchCase{
		generate("materialised, scale 10", 8, 10*lineitemRows, "uri: tpch10/clean/**/*.parquet", lineitemRules, converted, ""),
		generate("deferred, scale 10", 8, 10*lineitemRows, "uri: tpch10/clean/**/*.parquet", lineitemRules, "", ""),
	}
}

// generate runs hyperlake on a configuration, which it writes.
func generate(name string, files int, rows int64, source, rules, more, rest string) benchCase {
	return benchCase{name: name, files: files, rows: rows, isHyperlake: true, args: func(b bench) ([]string, error) {
		path := b.path(name + ".yaml")
		text := fmt.Sprintf("name: bench\n%stables:\n  - source: {%s}\n    rules: %s\n%s", rest, source, rules, more)
		return []string{b.program, "generate", path, "--quiet", "--report", b.path("report.json")}, os.WriteFile(path, []byte(text), 0o600)
	}}
}

// withDates says that the extract has lineitem's dates.
func (c benchCase) withDates() benchCase {
	c.hasDates = true
	return c
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
	rows    int64  // of the suite ingest
}

func (b bench) path(name string) string { return filepath.Join(b.data, name) }

func (b bench) python() string { return b.path(filepath.Join("venv", "bin", "python")) }
