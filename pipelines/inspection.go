package pipelines

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/words"
	"hyperlake/sinks/hyper"
)

// ReportColumn is what hyperd says about the loaded values of a column.
type ReportColumn struct {
	Name    string `json:"name"`
	SQLType string `json:"sql_type"`
	Nulls   int64  `json:"nulls"`
	Min     string `json:"min,omitempty"` // as text; empty where the type has no order, or without values
	Max     string `json:"max,omitempty"`

	// Distinct estimates how many different values there are among the first DistinctRows.
	Distinct     int64 `json:"distinct"`
	DistinctRows int64 `json:"distinct_rows"`
}

// distinctRows bounds for how many rows different values are counted, which costs more
// than all the rest.
const distinctRows = 256 << 10

// check holds the checks against the finished extracts. Meanwhile it seals them.
func (r *run) check(ctx context.Context, lease *hyperd.Lease, built *result, scratch string) error {
	type outcome struct {
		sums []string
		err  error
	}
	sealing := make(chan outcome, 1)
	extracts := built.files()
	go func() {
		sums, err := seal(ctx, extracts)
		sealing <- outcome{sums, err}
	}()
	err := r.inspect(ctx, lease, extracts, scratch)
	done := <-sealing
	if err == nil {
		err = done.err
	}
	if err == nil {
		built.sealed(done.sums)
	}
	return err
}

// inspect holds the checks against the finished extracts, and asks hyperd what they hold. Of
// extracts that are not merged nothing is asked: no file holds a whole table.
func (r *run) inspect(ctx context.Context, lease *hyperd.Lease, extracts []hyper.File, scratch string) error {
	if r.cfg.Output.Merge == MergeNone {
		return nil
	}
	checks, err := r.prepareChecks(ctx, lease, scratch)
	if err != nil {
		return err
	}
	if r.cfg.checksBySQL() {
		if lease, err = hyperd.Acquire(ctx, confined(r.cfg.Hyperd)); err != nil {
			return err
		}
		defer lease.Release()
	}
	conn, err := lease.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // reading leaves nothing to lose
	for _, extract := range extracts {
		if err := r.inspectFile(ctx, conn, extract, checks); err != nil {
			return err
		}
	}
	return r.report.brokenChecks()
}

// inspectFile asks about one extract. Of several, each is held against the checks, but the
// values of its columns are its own affair.
func (r *run) inspectFile(ctx context.Context, conn *hyperd.Conn, extract hyper.File, checks [][]check) (err error) {
	const alias = "extract"
	if err := conn.AttachReadOnly(ctx, extract.Path, alias); err != nil {
		return fmt.Errorf("open %s: %w", extract.Path, err)
	}
	for i, table := range r.plan.Tables {
		reported := &r.report.Tables[i]
		if extract.Target.Name == "" {
			if reported.Columns, err = describeColumns(ctx, conn, table); err != nil {
				return err
			}
		}
		var results []CheckResult
		for _, check := range checks[i] {
			results = append(results, check.run(ctx, conn, r.options.LogValues))
		}
		reported.addChecks(extract.Target.Name, results)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := conn.Detach(ctx, alias); err != nil {
		return fmt.Errorf("close %s: %w", extract.Path, err)
	}
	return nil
}

// prepareChecks makes SQL of the checks of all tables.
func (r *run) prepareChecks(ctx context.Context, lease *hyperd.Lease, scratch string) ([][]check, error) {
	previous := &previousExtract{}
	if r.cfg.comparesPrevious() {
		var err error
		if previous, err = readPrevious(ctx, lease, r.plan, r.cfg.Output.Path, scratch); err != nil {
			return nil, err
		}
	}
	return r.plan.checks(r.cfg, previous, time.Now())
}

// checks makes SQL of the checks of a configuration, by table.
func (p *Plan) checks(cfg *Config, previous *previousExtract, now time.Time) ([][]check, error) {
	all := make([][]check, len(p.Tables))
	for i, table := range p.Tables {
		var err error
		if all[i], err = p.checksOf(table, cfg.Tables[i].Checks, fmt.Sprintf("tables[%d]", i), previous, now); err != nil {
			return nil, err
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

	// fewColumns is up to how many columns of a table each is asked for its bounds alone, which
	// hyperd answers mostly from what it knows of its blocks, and only if asked for nothing else.
	fewColumns = 200
)

// describeColumns asks hyperd about the values of every column.
func describeColumns(ctx context.Context, conn *hyperd.Conn, table *TablePlan) ([]ReportColumn, error) {
	name := hyperd.QuoteName(table.Schema, table.Name)
	columns := make([]ReportColumn, len(table.Columns))
	for from := 0; from < len(columns); from += columnsAtOnce {
		if err := describeSome(ctx, conn, table, columns, from, min(from+columnsAtOnce, len(columns))); err != nil {
			return nil, fmt.Errorf("describe table %s: %w", table.Table, err)
		}
	}
	ordered := slices.DeleteFunc(pointers(columns), func(c *ReportColumn) bool { return !hasOrder(c.SQLType) })
	for some := range slices.Chunk(ordered, boundsAtOnce(len(columns))) {
		bounds := make([]string, len(some))
		for i, column := range some {
			bounds[i] = fmt.Sprintf("min(%s), max(%[1]s)", hyperd.QuoteName(column.Name))
		}
		values, err := queryRow(ctx, conn, fmt.Sprintf("SELECT %s FROM %s", strings.Join(bounds, ", "), name))
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

// describeSome fills in what needs no bounds of the columns from one to before another.
func describeSome(ctx context.Context, conn *hyperd.Conn, table *TablePlan, columns []ReportColumn, from, to int) error {
	name := hyperd.QuoteName(table.Schema, table.Name)
	all, distinct := []string{"count(*)"}, []string{"count(*)"}
	for _, column := range table.Columns[from:to] {
		quoted := hyperd.QuoteName(column.Name)
		all = append(all, "count("+quoted+")")
		distinct = append(distinct, distinctOf(column.SQLType, quoted))
	}
	values, err := queryRow(ctx, conn, fmt.Sprintf("SELECT %s FROM %s", strings.Join(all, ", "), name))
	if err != nil {
		return err
	}
	counts, err := queryRow(ctx, conn, fmt.Sprintf("SELECT %s FROM (SELECT * FROM %s LIMIT %d) AS first_rows", strings.Join(distinct, ", "), name, distinctRows))
	if err != nil {
		return err
	}
	for i, column := range table.Columns[from:to] {
		columns[from+i] = ReportColumn{
			Name: column.Name, SQLType: column.SQLType, Nulls: number(values[0]) - number(values[1+i]),
			Distinct: number(counts[1+i]), DistinctRows: number(counts[0]),
		}
	}
	return nil
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

// distinctOf estimates the number of different values; -1 for types that cannot be compared.
func distinctOf(sqlType, quoted string) string {
	if sqlType == "TABLEAU.TABGEOGRAPHY" || sqlType == "INTERVAL" {
		return "-1"
	}
	return "approx_count_distinct(" + quoted + ")"
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
func (r *Report) brokenChecks() error {
	var broken []string
	for _, table := range r.Tables {
		for _, check := range table.Checks {
			if !check.Passed {
				broken = append(broken, fmt.Sprintf("%q of table %s.%s: %s", check.Name, table.Schema, table.Name, check.Message))
			}
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return failure.New(failure.Check, "%s", words.Plural(int64(len(broken)), "check does not pass: ", "checks do not pass: ")+strings.Join(broken, "; ")).
		WithHint("the extract was not moved into place; correct the data or the check")
}
