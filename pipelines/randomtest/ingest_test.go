package randomtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	parquetfile "github.com/apache/arrow/go/v17/parquet/file"
	"github.com/stretchr/testify/require"
)

// runDate is the day of every run.
const runDate = "2026-11-28"

// origin is text that a lake is brought in from, of the rows of its only file.
type origin struct {
	format    string // csv, jsonl or command
	delimiter string // of csv
	names     bool   // csv without a header
	compress  bool
	split     int // so many rows are in the first of two files; of a command, of which there is one, all

	most         int // rows that are rejected on the way, at most; see [origin.bad]
	keepsRejects bool
	maxRows      *int
	allowEmpty   bool
	union        bool
}

// originKinds are the kinds that columns can be pinned as, and whose values text can hold.
var originKinds = []*kind{
	boolKind, int16Kind, int32Kind, int64Kind, float64Kind, textKind, textKind, dateKind, decimalKind(5, 2), decimalKind(18, 18), decimalKind(38, 3),
	timestampKind(arrow.Microsecond, ""),
}

// ingestedFile is the name of the file that an ingest makes, with the same word for every run.
const ingestedFile = "ingest-00000-RUN.parquet"

var ingestedNames = regexp.MustCompile(`ingest-00000-[0-9]{8}T[0-9]{6}Z-[0-9a-f]+\.parquet`)

// anyRun is a path whatever the run.
func anyRun(path string) string { return ingestedNames.ReplaceAllString(path, ingestedFile) }

// ingest has a lake be one file that is brought in from text.
func (l *lake) ingest(r *dice) {
	f := l.files[0]
	f.name, f.groupRows, f.folders, l.keys, l.files = ingestedFile, 1<<20, nil, nil, []*file{f}
	if chance(r, 40) {
		l.keys, f.folders = []string{"day"}, []*string{new(runDate)}
	}
	for i := range f.columns {
		f.columns[i].kind, f.columns[i].required = pick(r, originKinds...), false
	}
	f.fill(r, min(len(f.rows), 20))
	for _, row := range f.rows {
		for i, c := range f.columns {
			if row[i] != nil {
				row[i] = writable(r, c.kind, row[i])
			}
		}
	}
	l.origin = &origin{
		format: pick(r, "csv", "csv", "jsonl", "command"), delimiter: pick(r, ",", ",", ";", "|", "\t"), names: chance(r, 30), compress: chance(r, 30),
		split: r.IntN(len(f.rows) + 1), most: pick(r, 0, 0, 0, 1, 3), keepsRejects: chance(r, 50), allowEmpty: chance(r, 80), union: chance(r, 40),
	}
	if chance(r, 20) {
		l.origin.maxRows = new(r.IntN(4))
	}
	if len(f.rows) == 0 && l.origin.format == "jsonl" { // whose columns have no order then
		l.origin.format = "csv"
	}
}

// writable is a value of a kind that text can hold, that one if it is.
func writable(r *dice, k *kind, v any) any {
	switch k.class {
	case texts:
		if !utf8.ValidString(v.(string)) {
			return "valid"
		}
	case locals:
		return drawNear(r, time.Microsecond)
	case floats:
		return float64(r.IntN(21)-6) / 4
	case days:
		return day(pick(r, 20_000, 20_003, 0, -1, -135_140, 2_932_896)) // years 1600 to 9999
	}
	return v
}

// text is a value as a source writes it; of nil there is none.
func (k *kind) text(v any) string {
	switch k.class {
	case integers:
		return cell(v)
	case decimals:
		return numberText(exact(v), k)
	case days:
		return v.(day).time().Format(time.DateOnly)
	case locals:
		return v.(moment).time().Format("2006-01-02T15:04:05.999999")
	case texts:
		return v.(string)
	}
	return fmt.Sprint(v) // booleans, and floats such as 1.25
}

// bad is how many rows are rejected on the way: not more than are read, for then the text is refused.
func (o *origin) bad(rows int) int { return min(o.most, rows) }

// fails says whether the entry ends the run, and why.
func (o *origin) fails(rows int) string {
	switch {
	case o.maxRows != nil && o.bad(rows) > *o.maxRows:
		return "max_rows of an ingest"
	case rows == 0 && !o.allowEmpty:
		return "an ingest without rows"
	}
	return ""
}

// failsToIngest says why no table is read; empty if they are.
func (c *testCase) failsToIngest() string {
	for _, t := range c.tables {
		if o := t.lake.origin; o != nil {
			if why := o.fails(len(t.lake.files[0].rows)); why != "" {
				return why
			}
		}
	}
	return ""
}

// drops is where the text of a table is, and its rejects.
func drops(i int) string { return fmt.Sprintf("drop/t%d", i) }

func badIn(i int) string { return fmt.Sprintf("%s/i%d", rejects, i) }

// writeIngest writes the section of the configuration.
func (c *testCase) writeIngest(line func(format string, args ...any)) {
	begun := false
	for i, t := range c.tables {
		o := t.lake.origin
		if o == nil {
			continue
		}
		if !begun {
			line("ingest:")
			begun = true
		}
		to := c.places.at(lakes, folder(i))
		if len(t.lake.keys) > 0 {
			to += "/day=${date}"
		}
		line("  - to: %q", to)
		line("    name: t%d", i)
		line("    %s", o.source(c.dropped(i), t.lake.files[0]))
		line("    columns:")
		for _, column := range t.lake.files[0].columns {
			line("      %s: {type: %q}", yamlKey(column.name), strings.ToLower(column.kind.sql))
		}
		if o.allowEmpty {
			line("    on_empty: allow")
		}
		if o.union {
			line("    on_drift: union")
		}
		var keys []string
		if o.keepsRejects {
			keys = append(keys, "path: "+c.places.at(rejects, badIn(i)))
		}
		if o.maxRows != nil {
			keys = append(keys, fmt.Sprintf("max_rows: %d", *o.maxRows))
		}
		if len(keys) > 0 {
			line("    rejects: {%s}", strings.Join(keys, ", "))
		}
	}
}

// dropped is the folder of the text of a table, where the lake is; programs read it here.
func (c *testCase) dropped(i int) string {
	if c.tables[i].lake.origin.format == "command" {
		return drops(i)
	}
	return c.places.at(lakes, drops(i))
}

func (o *origin) source(folder string, f *file) string {
	switch o.format {
	case "jsonl":
		return fmt.Sprintf("jsonl: {uri: %q}", folder+"/*")
	case "command":
		return fmt.Sprintf("command: {run: [cat, %q], format: csv}", folder+"/f0.txt")
	}
	keys := []string{fmt.Sprintf("uri: %q", folder+"/*"), fmt.Sprintf("delimiter: %q", o.delimiter)}
	if o.names {
		var names []string
		for _, c := range f.columns {
			names = append(names, c.name)
		}
		keys = append(keys, "names: ["+joined(names)+"]")
	}
	return "csv: {" + strings.Join(keys, ", ") + "}"
}

// writeText writes the text of a lake below a folder.
func (o *origin) writeText(t testing.TB, f *file, folder string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(folder, 0o755))
	split := min(o.split, len(f.rows))
	parts := [][][]any{f.rows[:split], f.rows[split:]}
	if o.format == "command" {
		parts = [][][]any{f.rows}
	}
	for i, rows := range parts {
		bad := 0
		if i == len(parts)-1 {
			bad = o.bad(len(f.rows))
		}
		text, name := o.textOf(t, f.columns, rows, bad), fmt.Sprintf("f%d.txt", i)
		if o.compress && o.format != "command" {
			var packed bytes.Buffer
			writer := gzip.NewWriter(&packed)
			_, err := writer.Write(text)
			require.NoError(t, err)
			require.NoError(t, writer.Close())
			text, name = packed.Bytes(), name+".gz"
		}
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
	}
}

// textOf is a file of rows, and of some that are none.
func (o *origin) textOf(t testing.TB, columns []column, rows [][]any, bad int) []byte {
	t.Helper()
	var text bytes.Buffer
	if o.format == "jsonl" {
		for _, row := range rows {
			var members []string
			for i, c := range columns {
				name, err := json.Marshal(c.name)
				require.NoError(t, err)
				members = append(members, string(name)+": "+c.kind.jsonText(t, row[i]))
			}
			fmt.Fprintf(&text, "{%s}\n", strings.Join(members, ", "))
		}
		text.WriteString(strings.Repeat("[1]\n", bad))
		return text.Bytes()
	}
	delimiter, names := ",", false
	if o.format == "csv" {
		delimiter, names = o.delimiter, o.names
	}
	line := func(cells []string) { text.WriteString(strings.Join(cells, delimiter) + "\n") }
	var header []string
	for _, c := range columns {
		header = append(header, quoted(c.name))
	}
	if !names {
		line(header)
	}
	for _, row := range rows {
		var cells []string
		for i, c := range columns {
			if row[i] == nil {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, quoted(c.kind.text(row[i])))
		}
		line(cells)
	}
	for range bad {
		line(append(header, "x")) // one too many
	}
	return text.Bytes()
}

// quoted is a value of CSV.
func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

// jsonText is a value in JSON.
func (k *kind) jsonText(t testing.TB, v any) string {
	t.Helper()
	switch {
	case v == nil:
		return "null"
	case k.class == texts, k.class == days, k.class == locals:
		text, err := json.Marshal(k.text(v))
		require.NoError(t, err)
		return string(text)
	}
	return k.text(v)
}

// compareIngest compares what the report says of the section, and the rejects that were kept.
func (c *testCase) compareIngest(t testing.TB, root string, got outcome) *difference {
	t.Helper()
	at := 0
	for i, table := range c.tables {
		o := table.lake.origin
		if o == nil || got.exit == 2 {
			continue
		}
		rows := len(table.lake.files[0].rows)
		if len(got.report.Ingest) <= at {
			return differ("report", "has %d ingests", at)
		}
		r := got.report.Ingest[at]
		failed := o.fails(rows) != ""
		if want := []any{fmt.Sprintf("t%d", i), int64(rows), int64(o.bad(rows)), failed}; fmt.Sprint(want...) != fmt.Sprint(r.Name, r.Rows, r.Rejected, r.Failed) {
			return differ("counts of an ingest", "should be %v, are %+v", want, r)
		}
		if o.keepsRejects {
			if kept := rejectCount(t, c.places.fetch(t, root, rejects, badIn(i))); kept != o.bad(rows) {
				return differ("rejects of an ingest", "should be %d, are %d", o.bad(rows), kept)
			}
		}
		if at++; failed {
			return nil
		}
	}
	return nil
}

func rejectCount(t testing.TB, folder string) int {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.parquet"))
	require.NoError(t, err)
	rows := 0
	for _, path := range paths {
		f, err := parquetfile.OpenParquetFile(path, false)
		require.NoError(t, err)
		rows += int(f.NumRows())
		require.NoError(t, f.Close())
	}
	return rows
}
