package randomtest

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	parquetfile "github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/config/configtest"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
)

// outcome is what came of a case.
type outcome struct {
	exit   int
	err    error
	report *report.Report
	tables []*outcomeTable // where there are extracts, or rejects
	made   bool            // there are extracts
	left   []string        // that nobody needs
}

// outcomeTable is what came of a table.
type outcomeTable struct {
	columns    []outColumn
	primaryKey []string
	rows       []string // sorted
	rejects    []string // sorted
}

// exitCode is that of the command line.
func exitCode(err error) int {
	failed := failure.Of(err, failure.Engine)
	switch {
	case failed == nil:
		return 0
	case failed.Early, failed.Kind == failure.Config:
		return 2
	case failed.Kind == failure.Data, failed.Kind == failure.Check:
		return 3
	}
	return 1
}

// write makes the lakes of a case, and its configuration, in an empty folder.
func (c *testCase) write(t testing.TB, root string) (path string) {
	t.Helper()
	for i, table := range c.tables {
		written := filepath.Join(root, folder(i))
		require.NoError(t, os.MkdirAll(written, 0o755))
		if o := table.lake.origin; o != nil {
			o.writeText(t, table.lake.files[0], filepath.Join(root, drops(i)))
			if o.format != "command" {
				c.places.move(t, root, lakes, drops(i))
			}
			continue
		}
		table.lake.write(t, written, c.places.below(root, lakes, folder(i)))
		c.places.move(t, root, lakes, folder(i))
	}
	if c.stood {
		require.NoError(t, os.MkdirAll(filepath.Join(root, outputs), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, output), []byte(previous), 0o600))
		c.places.move(t, root, outputs, outputs)
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, codesFile), []byte(codes), 0o600))
	path = filepath.Join(root, "x.yaml")
	require.NoError(t, os.WriteFile(path, []byte(c.yaml()), 0o600))
	require.NoError(t, configtest.RefusedBySchema(c.yaml()), "what a run takes, the schema does")
	return path
}

// run builds the extract of a case in an empty folder.
func (c *testCase) run(t testing.TB, root string) outcome {
	t.Helper()
	path := c.write(t, root)
	var o outcome
	o.report, o.err = build(t.Context(), path)
	o.exit, o.left = exitCode(o.err), c.places.leftBehind(t, exitCode(o.err))
	extracts := c.extracts(t, root)
	o.made = len(extracts) > 0
	if o.err != nil && o.exit < 3 {
		return o
	}
	for i, table := range c.tables {
		o.tables = append(o.tables, &outcomeTable{})
		if table.keepsRejects {
			o.tables[i].rejects = rejectsIn(t, c.places.fetch(t, root, rejects, kept(i)))
		}
	}
	for _, extract := range extracts {
		o.read(t, c, extract)
	}
	for _, table := range o.tables {
		slices.Sort(table.rows)
	}
	return o
}

// previous is what stands at an output before.
const previous = "as before"

// extracts are local files of what was put at the output; that it is as before is no extract.
func (c *testCase) extracts(t testing.TB, root string) []string {
	t.Helper()
	folder := root
	if c.places[outputs] != "" {
		folder = c.places.fetch(t, root, outputs, outputs)
	}
	extracts, err := filepath.Glob(filepath.Join(folder, "*.hyper"))
	require.NoError(t, err)
	if c.stood {
		require.Len(t, extracts, 1)
		text, err := os.ReadFile(extracts[0])
		require.NoError(t, err)
		if string(text) == previous {
			return nil
		}
	}
	return extracts
}

func build(ctx context.Context, path string) (*report.Report, error) {
	cfg, err := config.Load(path, config.LoadOptions{Date: runDate})
	if err != nil {
		return nil, err
	}
	id, err := staging.NewRunID()
	if err != nil {
		return nil, err
	}
	runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
	if err != nil {
		return nil, err
	}
	return pipelines.Run(ctx, cfg, pipelines.RunOptions{ID: id, Engine: runner, Log: slog.New(slog.DiscardHandler)})
}

// read adds the tables of an extract.
func (o *outcome) read(t testing.TB, c *testCase, extract string) {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	_, err := conn.Exec(t.Context(), "SET extra_float_digits = 3") // prints all that is stored
	require.NoError(t, err)
	require.NoError(t, conn.Attach(t.Context(), extract, "x"))
	for i, table := range c.tables {
		out, loaded := o.tables[i], table.loadedColumns()
		out.columns, out.primaryKey = columnsIn(t, conn, table)
		err := conn.Query(t.Context(), "SELECT * FROM "+hyperd.QuoteName("x", table.schema, table.name), func(_ []hyperd.Field, values [][]byte) error {
			var cells []string
			for j, value := range values {
				v := parsed(value, out.columns[j].sql)
				if text, ok := v.(string); ok && j < len(loaded) && loaded[j].kind.class == jsons {
					v = canonicalJSON(text)
				}
				cells = append(cells, cell(v))
			}
			out.rows = append(out.rows, strings.Join(cells, " | "))
			return nil
		})
		require.NoError(t, err)
	}
	require.NoError(t, conn.Detach(t.Context(), "x"))
}

// columnsIn reads the columns of a table, and its primary key, from hyperd's catalog.
func columnsIn(t testing.TB, conn *hyperd.Conn, table *table) (columns []outColumn, key []string) {
	t.Helper()
	where := fmt.Sprintf(`JOIN x.pg_catalog.pg_class c ON c.oid = %%s JOIN x.pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = %s AND c.relname = %s`, hyperd.QuoteText(table.schema), hyperd.QuoteText(table.name))
	err := conn.Query(t.Context(), `SELECT a.attname, upper(format_type(a.atttypid, a.atttypmod)), a.attnotnull
		FROM x.pg_catalog.pg_attribute a `+fmt.Sprintf(where, "a.attrelid")+` AND a.attnum > 0 ORDER BY a.attnum`, func(_ []hyperd.Field, values [][]byte) error {
		columns = append(columns, outColumn{string(values[0]), sqlName(string(values[1])), string(values[2]) != "t"})
		return nil
	})
	require.NoError(t, err)
	err = conn.Query(t.Context(), `SELECT k.conkey FROM x.pg_catalog.pg_constraint k `+fmt.Sprintf(where, "k.conrelid")+` AND k.contype = 'p'`, func(_ []hyperd.Field, values [][]byte) error {
		for _, number := range strings.Split(strings.Trim(string(values[0]), "{}[]"), ",") {
			at, err := strconv.Atoi(strings.TrimSpace(number))
			if err != nil {
				return err
			}
			key = append(key, columns[at-1].name)
		}
		return nil
	})
	require.NoError(t, err)
	return columns, key
}

func sqlName(name string) string {
	switch name {
	case "TIMESTAMP WITHOUT TIME ZONE":
		return "TIMESTAMP"
	case "TIMESTAMP WITH TIME ZONE":
		return "TIMESTAMPTZ"
	case "TIME WITHOUT TIME ZONE":
		return "TIME"
	case "BYTEA":
		return "BYTES"
	}
	return strings.ReplaceAll(name, ", ", ",")
}

// parsed is a value that hyperd prints.
func parsed(text []byte, sql string) any {
	if text == nil {
		return nil
	}
	s := string(text)
	switch sql {
	case "BOOLEAN":
		return s == "t"
	case "DOUBLE PRECISION", "REAL":
		f, _ := strconv.ParseFloat(s, 64)
		if sql == "REAL" {
			f32, _ := strconv.ParseFloat(s, 32)
			f = f32
		}
		return f
	case "TEXT":
		return s
	case "BYTES":
		b, _ := hex.DecodeString(strings.TrimPrefix(s, `\x`))
		return blob(b)
	case "DATE":
		return day(parsedMoment(s+" 00:00:00").seconds / 86_400)
	case "TIME":
		m := parsedMoment("1970-01-01 " + s)
		return clock(m.seconds*1e9 + m.nanos)
	case "TIMESTAMP", "TIMESTAMPTZ":
		return parsedMoment(strings.Replace(s, "+00", "", 1))
	}
	return number(s)
}

// parsedMoment reads a moment of any year, as in 4713-01-01 12:00:00.5 BC.
func parsedMoment(text string) moment {
	isBC := strings.Contains(text, " BC")
	text = strings.Replace(text, " BC", "", 1)
	date, clock, _ := strings.Cut(text, " ")
	parts := strings.Split(date, "-")
	year, _ := strconv.Atoi(parts[0])
	month, _ := strconv.Atoi(parts[1])
	dayOfMonth, _ := strconv.Atoi(parts[2])
	if isBC {
		year = 1 - year
	}
	at, err := time.Parse("15:04:05.999999", clock)
	if err != nil {
		return moment{math.MaxInt64, 0} // which nothing equals
	}
	midnight := time.Date(year, time.Month(month), dayOfMonth, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	return moment{midnight.Unix(), int64(at.Nanosecond())}
}

// rejectsIn reads the reject files of a folder.
func rejectsIn(t testing.TB, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.parquet"))
	require.NoError(t, err)
	var found []string
	for _, path := range paths {
		f, err := parquetfile.OpenParquetFile(path, false)
		require.NoError(t, err)
		reader, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		require.NoError(t, err)
		read, err := reader.ReadTable(t.Context())
		require.NoError(t, err)
		rows := make([]row, read.NumRows())
		for i := range rows {
			rows[i] = row{}
		}
		for c := range int(read.NumCols()) {
			at := 0
			for _, chunk := range read.Column(c).Data().Chunks() {
				for i := range chunk.Len() {
					rows[at][read.Schema().Field(c).Name] = valueAt(chunk, i)
					at++
				}
			}
		}
		for _, r := range rows {
			found = append(found, rejectOf(r))
		}
		require.NoError(t, f.Close())
	}
	slices.Sort(found)
	return found
}

// rejectOf is a row of a reject file as [rejectText] has it.
func rejectOf(values row) string {
	rules, reasons := values["_rules"].([]any), values["_reasons"].([]any)
	var all []string
	for i, name := range rules {
		all = append(all, fmt.Sprintf("%v: %v", name, reasons[i]))
	}
	slices.Sort(all)
	path := anyRun(values["_file"].(string))
	group, _ := strconv.Atoi(cell(values["_row_group"]))
	at, _ := strconv.Atoi(cell(values["_row"]))
	rest := row{}
	for name, v := range values {
		if !slices.Contains([]string{"_file", "_row_group", "_row", "_rules", "_reasons"}, name) {
			rest[name] = v
		}
	}
	return rejectText(path, group, at, rest, all)
}
