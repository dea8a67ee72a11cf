package checks

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
)

// Different values are counted exactly, or not at all: hyperd's estimates were off by up to 5 %, and counting takes longer than
// all the rest where there are more rows or columns.
const (
	distinctRows   = 16 << 10
	distinctValues = 1 << 20 // of all columns
)

// Inspection is what the finished extracts of a plan are held against, and where what is found
// goes. Not for concurrent use.
type Inspection struct {
	Config *config.Config
	Plan   *plan.Plan
	Report *report.Report // of the plan

	Before RowsBefore // nil where nothing is known of earlier runs

	// LogValues lets values of offending rows into the report.
	LogValues bool

	// Checking is told which check begins, of how many: with several extracts, each counts for every one. nil for nobody.
	Checking func(name string, number, of int)

	counter *counter // while checks are evaluated
}

// Inspect holds the checks against the finished extracts, and asks hyperd what they hold. Of
// extracts that are not merged nothing is asked: no file holds a whole table. scratch is a folder
// for copies of the previous extract, and of those that are remote. Its error is of kind Check where a check does not pass.
func (in Inspection) Inspect(ctx context.Context, lease *hyperd.Lease, extracts []hyper.File, scratch string) error {
	if in.Config.Output.Merge == config.MergeNone {
		return nil
	}
	checks, err := in.prepare(ctx, lease, scratch)
	if err != nil {
		return err
	}
	if in.Config.HasSQLChecks() {
		if lease, err = hyperd.Acquire(ctx, confined(in.Config.Hyperd)); err != nil {
			return err
		}
		defer lease.Release()
	}
	conn, err := lease.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // reading leaves nothing to lose
	in.counter = &counter{of: len(extracts) * countOf(checks), tell: in.Checking}
	for _, extract := range extracts {
		if extract.Target.Name != "" && !slices.ContainsFunc(checks, func(of []check) bool { return len(of) > 0 }) {
			continue // nothing is asked of it
		}
		if err := in.inspectCopy(ctx, conn, extract, scratch, checks); err != nil {
			return err
		}
	}
	return brokenChecks(in.Report)
}

// inspectCopy asks about one extract, which is copied if it is remote: one of several that stays as it is.
func (in Inspection) inspectCopy(ctx context.Context, conn *hyperd.Conn, extract hyper.File, scratch string, checks [][]check) error {
	if storage.IsLocal(extract.Path) {
		return in.inspectFile(ctx, conn, extract, checks)
	}
	path, err := hyper.Fetch(ctx, extract, scratch)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }() // it goes away with its folder, at the latest
	extract.Path = path
	return in.inspectFile(ctx, conn, extract, checks)
}

// inspectFile asks about one extract. Of several, each is held against the checks, but the
// values of its columns are its own affair.
func (in Inspection) inspectFile(ctx context.Context, conn *hyperd.Conn, extract hyper.File, checks [][]check) (err error) {
	const alias = "extract"
	if err := conn.AttachReadOnly(ctx, extract.Path, alias); err != nil {
		return fmt.Errorf("open %s: %w", extract.Path, err)
	}
	for i, table := range in.Plan.Tables {
		reported := &in.Report.Tables[i]
		if extract.Target.Name == "" {
			if reported.Columns, err = describeColumns(ctx, conn, table, table.Hidden(in.Config.Report)); err != nil {
				return err
			}
		}
		var results []report.CheckResult
		for _, check := range checks[i] {
			in.counter.next(check.name)
			results = append(results, check.run(ctx, conn, in.LogValues))
		}
		addChecks(reported, extract.Target.Name, results)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := conn.Detach(ctx, alias); err != nil {
		return fmt.Errorf("close %s: %w", extract.Path, err)
	}
	return nil
}

// counter tells which check begins.
type counter struct {
	number, of int
	tell       func(name string, number, of int)
}

func (c *counter) next(name string) {
	if c.number++; c.tell != nil {
		c.tell(name, c.number, c.of)
	}
}

// countOf is how many checks there are.
func countOf(checks [][]check) int {
	n := 0
	for _, ofTable := range checks {
		n += len(ofTable)
	}
	return n
}

// prepare makes SQL of the checks of all tables.
func (in Inspection) prepare(ctx context.Context, lease *hyperd.Lease, scratch string) ([][]check, error) {
	previous := &previousExtract{}
	if in.Config.ComparesPrevious() {
		var err error
		if previous, err = readPrevious(ctx, lease, in.Plan, in.Config.Output.Path, scratch); err != nil {
			return nil, err
		}
	}
	return checksOf(in.Plan, in.Config, known{previous, in.Before, time.Now()})
}

// Verify says what is wrong with the checks of a configuration, as far as a plan tells: the first
// that cannot be meant is an error of kind Config.
func Verify(cfg *config.Config, p *plan.Plan) error {
	_, err := checksOf(p, cfg, known{previous: &previousExtract{}, now: time.Now()})
	return err
}

// checksOf makes SQL of the checks of a configuration, by table.
func checksOf(p *plan.Plan, cfg *config.Config, known known) ([][]check, error) {
	all := make([][]check, len(p.Tables))
	for i, table := range p.Tables {
		var err error
		if all[i], err = tableChecks(table, cfg.Tables[i].Checks, fmt.Sprintf("tables[%d]", i), known); err != nil {
			return nil, cfg.Placed(err)
		}
	}
	return all, nil
}

// confined is a hyperd that can do no more than read the extract, beside the one of the run.
func confined(cfg hyperd.Config) hyperd.Config {
	cfg.Reading, cfg.UseTCPPort = hyperd.OnlyAttached, ""
	return cfg
}

const (
	// columnsAtOnce is how many columns of a table one query is about, at most: a query of all
	// takes long to prepare where there are thousands, and so do many queries, for each costs
	// some of what all columns of its table do.
	columnsAtOnce = 128

	// distinctAtOnce is the same for different values, of which hyperd keeps tables while it counts: with 128 it
	// takes twice as long as with 32, with 2,000 ten times.
	distinctAtOnce = 32

	// fewColumns is up to how many columns of a table each is asked for its bounds alone, which
	// hyperd answers mostly from what it knows of its blocks, and only if asked for nothing else.
	fewColumns = 200
)

// describeColumns asks hyperd about the values of every column, but for the bounds of those that are hidden.
func describeColumns(ctx context.Context, conn *hyperd.Conn, table *plan.TablePlan, hidden map[string]bool) ([]report.Column, error) {
	columns := make([]report.Column, len(table.Columns))
	for i, column := range table.Columns {
		columns[i] = report.Column{Name: column.Name, SQLType: column.SQLType}
	}
	if err := countValues(ctx, conn, table, columns); err != nil {
		return nil, fmt.Errorf("describe table %s: %w", table.Table, err)
	}
	for i := range columns {
		columns[i].Hidden = hidden[columns[i].Name] && hasOrder(columns[i].SQLType)
	}
	ordered := slices.DeleteFunc(pointers(columns), func(c *report.Column) bool { return c.Hidden || !hasOrder(c.SQLType) })
	for some := range slices.Chunk(ordered, boundsAtOnce(len(columns))) {
		values, err := queryRow(ctx, conn, selectOf(table, some, func(column string) string {
			return fmt.Sprintf("min(%s), max(%[1]s)", column)
		}))
		if err != nil {
			return nil, fmt.Errorf("describe column %s of table %s: %w", some[0].Name, table.Table, err)
		}
		for i, column := range some {
			column.Min, column.Max = values[2*i], values[2*i+1]
		}
	}
	return columns, nil
}

// boundsAtOnce is for how many columns of a table with so many one query asks for bounds.
func boundsAtOnce(columns int) int {
	if columns <= fewColumns {
		return 1
	}
	return columnsAtOnce
}

// countValues fills in how many values of columns are NULL, and how many are different.
func countValues(ctx context.Context, conn *hyperd.Conn, table *plan.TablePlan, columns []report.Column) error {
	counted, err := queryRow(ctx, conn, "SELECT count(*) FROM "+hyperd.QuoteName(table.Schema, table.Name))
	if err != nil {
		return err
	}
	rows := number(counted[0])
	for some := range slices.Chunk(pointers(columns), columnsAtOnce) {
		counts, err := queryRow(ctx, conn, selectOf(table, some, func(column string) string { return "count(" + column + ")" }))
		if err != nil {
			return err
		}
		for i, column := range some {
			column.Nulls = rows - number(counts[i])
		}
	}
	if rows > distinctRows || rows*int64(len(columns)) > distinctValues {
		return nil
	}
	comparable := slices.DeleteFunc(pointers(columns), func(c *report.Column) bool { return !isComparable(c.SQLType) })
	for some := range slices.Chunk(comparable, distinctAtOnce) {
		counts, err := queryRow(ctx, conn, selectOf(table, some, func(column string) string { return "count(DISTINCT " + column + ")" }))
		if err != nil {
			return err
		}
		for i, column := range some {
			n := number(counts[i])
			column.Distinct = &n
		}
	}
	return nil
}

// selectOf is a query of a table, with what is asked of each of the columns.
func selectOf(table *plan.TablePlan, columns []*report.Column, of func(quoted string) string) string {
	asked := make([]string, len(columns))
	for i, column := range columns {
		asked[i] = of(hyperd.QuoteName(column.Name))
	}
	return fmt.Sprintf("SELECT %s FROM %s", strings.Join(asked, ", "), hyperd.QuoteName(table.Schema, table.Name))
}

func pointers[T any](values []T) []*T {
	all := make([]*T, len(values))
	for i := range values {
		all[i] = &values[i]
	}
	return all
}

func hasOrder(sqlType string) bool {
	return sqlType != "TABLEAU.TABGEOGRAPHY" && sqlType != "INTERVAL" && sqlType != "BYTES" && sqlType != "BOOLEAN"
}

// isComparable says whether values of a type are equal or different for hyperd.
func isComparable(sqlType string) bool {
	return sqlType != "TABLEAU.TABGEOGRAPHY" && sqlType != "INTERVAL"
}

// queryRow returns the values of the one row of a query; NULL is "".
func queryRow(ctx context.Context, conn *hyperd.Conn, sql string) ([]string, error) {
	var row []string
	err := conn.Query(ctx, sql, func(_ []hyperd.Field, values [][]byte) error {
		row = nil
		for _, value := range values {
			row = append(row, string(value))
		}
		return nil
	})
	return row, err
}

// number reads a count that hyperd wrote.
func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// brokenChecks is the failure of the checks that did not pass.
func brokenChecks(r *report.Report) error {
	var broken []string
	for _, table := range r.Tables {
		for _, check := range table.Checks {
			if !check.Passed && check.OnFail != string(config.OnFailWarn) {
				broken = append(broken, fmt.Sprintf("%q of table %s.%s: %s", check.Name, table.Schema, table.Name, check.Message))
			}
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return failure.New(failure.Check, "%s",
		words.Plural(int64(len(broken)), "check does not pass: ", "checks do not pass: ")+strings.Join(broken, "; ")).
		WithHint("the extract was not moved into place; correct the data or the check")
}

// addChecks adds what the checks said of an extract, which has a name where there are
// several. A check passes if it passes for all of them; of the others the first is told.
func addChecks(t *report.TableAccount, name string, results []report.CheckResult) {
	if len(t.Checks) == 0 {
		t.Checks = make([]report.CheckResult, 0, len(results))
	}
	for i, result := range results {
		if !result.Passed && name != "" {
			result.Message = fmt.Sprintf("in the extract of %s: %s", name, result.Message)
		}
		switch {
		case i == len(t.Checks):
			t.Checks = append(t.Checks, result)
		case t.Checks[i].Passed:
			t.Checks[i] = result
		}
	}
}
