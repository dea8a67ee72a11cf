package checks

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
)

// check is a condition on a finished table, in SQL.
type check struct {
	name string
	sql  string // a query of one value, which must be true

	offending string // a query of the rows that break it, if that can be said
	figure    string // a query of one value for the message, if there is one
	message   string // what is wrong, with %s for the figure

	note     string // what was not looked at; empty for nothing
	isAdvice bool   // breaking it is told, and fails nothing
}

// known is what checks compare a table with, besides what is written.
type known struct {
	previous *previousExtract
	before   RowsBefore
	now      time.Time // that freshness counts from
}

// maxSamples is how many rows a report shows of one kind.
const maxSamples = 3

// tableChecks makes SQL of the checks of a table.
func tableChecks(table *plan.TablePlan, configs []config.CheckConfig, at string, known known) ([]check, error) {
	var checks []check
	for i, config := range configs {
		made, err := checkOf(table, config, fmt.Sprintf("%s.checks[%d]", at, i), known)
		if err != nil {
			return nil, err
		}
		if len(made) == 1 {
			made[0].name = cmp.Or(config.Name, made[0].name)
		}
		for j := range made {
			made[j].isAdvice = config.OnFail.IsWarn()
		}
		checks = append(checks, made...)
	}
	return checks, nil
}

func checkOf(table *plan.TablePlan, config config.CheckConfig, at string, known known) ([]check, error) {
	name := hyperd.QuoteName(table.Schema, table.Name)
	switch {
	case config.SQL != "":
		return []check{{name: words.Shorten(config.SQL), sql: config.SQL}}, nil
	case len(config.Unique) > 0:
		columns, err := table.ExtractNames(config.Unique, at+".unique")
		if err != nil {
			return nil, err
		}
		return []check{uniqueCheck(name, columns, "unique ("+strings.Join(config.Unique, ", ")+")")}, nil
	case config.RowCount != nil:
		return []check{rowCountCheck(name, *config.RowCount, known.before[[2]string{table.Schema, table.Name}])}, nil
	case config.ForeignKeys:
		return keyChecks(table), nil
	case config.Freshness != nil:
		return freshnessCheck(table, name, *config.Freshness, at, known.now)
	default:
		return []check{known.previous.changeCheck(table, float64(config.ComparePrevious.MaxChange))}, nil
	}
}

// counting is a check that there are no offending rows.
func counting(name, offending, message string) check {
	return check{
		name: name, offending: offending, message: message,
		sql: "SELECT count(*) = 0 FROM (" + offending + ") AS offending",
	}
}

// uniqueCheck finds rows whose values other rows have, too. NULLs are not compared.
//
// hyperd believes assumed keys: it would not look at the rows of a table to say whether the
// key repeats. So the check compares values that hyperd cannot tell to be those of the key.
func uniqueCheck(table string, columns []string, name string) check {
	quoted := quoted(columns)
	values := fmt.Sprintf("SELECT %s FROM %s WHERE %s",
		strings.Join(each(quoted, "CASE WHEN random() >= 0 THEN %s END AS %[1]s"), ", "), table,
		strings.Join(each(quoted, "%s IS NOT NULL"), " AND "))
	groups := fmt.Sprintf("SELECT %s FROM (%s) AS v GROUP BY %[1]s HAVING count(*) > 1", strings.Join(quoted, ", "), values)
	offending := fmt.Sprintf("SELECT t.* FROM %s AS t JOIN (%s) AS d ON %s",
		table, groups, strings.Join(each(quoted, "t.%[1]s = d.%[1]s"), " AND "))
	return counting(name, offending, fmt.Sprintf("rows have values of (%s) that other rows have, too", strings.Join(columns, ", ")))
}

func quoted(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = hyperd.QuoteName(name)
	}
	return quoted
}

// each puts every name into a format.
func each(names []string, format string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = fmt.Sprintf(format, name)
	}
	return out
}

// keyChecks hold every assumed key of a table against its rows.
func keyChecks(table *plan.TablePlan) []check {
	var checks []check
	name := hyperd.QuoteName(table.Schema, table.Name)
	if len(table.PrimaryKey) > 0 {
		columns := strings.Join(table.PrimaryKey, ", ")
		unique := uniqueCheck(name, table.PrimaryKey, "primary key ("+columns+") is unique")
		missing := counting("primary key ("+columns+") is not NULL",
			fmt.Sprintf("SELECT * FROM %s WHERE %s", name, strings.Join(each(quoted(table.PrimaryKey), "%s IS NULL"), " OR ")),
			"rows have a NULL in the primary key")
		checks = append(checks, unique, missing)
	}
	for _, key := range table.ForeignKeys {
		checks = append(checks, foreignKeyCheck(name, key))
	}
	return checks
}

// foreignKeyCheck finds rows that refer to nothing. A NULL refers to nothing rightly.
func foreignKeyCheck(table string, key hyper.ForeignKey) check {
	columns, to := quoted(key.Columns), quoted(key.To)
	var present, same []string
	for i := range columns {
		present = append(present, "t."+columns[i]+" IS NOT NULL")
		same = append(same, "p."+to[i]+" = t."+columns[i])
	}
	offending := fmt.Sprintf("SELECT t.* FROM %s AS t WHERE %s AND NOT EXISTS (SELECT 1 FROM %s AS p WHERE %s)",
		table, strings.Join(present, " AND "), hyperd.QuoteName(key.Schema, key.Table), strings.Join(same, " AND "))
	return counting(fmt.Sprintf("foreign key (%s) refers to rows of %s", strings.Join(key.Columns, ", "), key.Table), offending,
		"rows refer to a row of "+key.Table+" that is not there")
}

// freshnessCheck compares the latest value with the time of the run. Dates are compared by
// days: a day ago is yesterday, at any time of the day.
func freshnessCheck(t *plan.TablePlan, table string, config config.FreshnessCheck, at string, now time.Time) ([]check, error) {
	names, err := t.ExtractNames([]string{config.Column}, at+".freshness.column")
	if err != nil {
		return nil, err
	}
	oldest := config.MaxAge.Before(now.UTC())
	var bound string
	for _, column := range t.Columns {
		if column.Name != names[0] {
			continue
		}
		switch column.SQLType {
		case "DATE":
			bound = "DATE " + hyperd.QuoteText(oldest.Format(time.DateOnly))
		case "TIMESTAMP":
			bound = "TIMESTAMP " + hyperd.QuoteText(oldest.Format("2006-01-02 15:04:05.999999"))
		case "TIMESTAMPTZ":
			bound = "TIMESTAMPTZ " + hyperd.QuoteText(oldest.Format("2006-01-02 15:04:05.999999+00"))
		default:
			return nil, failure.New(failure.Config, "%s: column %q is %s, not a date or a timestamp", at, config.Column, column.SQLType).
				WithHint("name another column, or give it such a type in columns")
		}
	}
	latest := fmt.Sprintf("SELECT max(%s) FROM %s", hyperd.QuoteName(names[0]), table)
	return []check{{
		name:    fmt.Sprintf("%s is at most %s old", config.Column, config.MaxAge),
		sql:     fmt.Sprintf("SELECT max(%s) >= %s FROM %s", hyperd.QuoteName(names[0]), bound, table),
		figure:  latest,
		message: "the latest value is %s, expected is none before " + oldest.Format(time.RFC3339),
	}}, nil
}

// run evaluates a check in a session in which the extract alone is open.
func (c check) run(ctx context.Context, conn *hyperd.Conn, withValues bool) report.CheckResult {
	result := report.CheckResult{Name: c.name, SQL: c.sql, OnFail: string(config.OnFailStop), Message: c.note}
	if c.isAdvice {
		result.OnFail = string(config.OnFailWarn)
	}
	value, rows, columns := "NULL", 0, 0
	err := conn.Query(ctx, c.sql, func(_ []hyperd.Field, values [][]byte) error {
		rows, columns = rows+1, len(values)
		if columns == 1 && values[0] != nil {
			value = string(values[0])
		}
		return nil
	})
	if err == nil && (rows != 1 || columns != 1) {
		err = fmt.Errorf("a check is a query of one value, but this one gives %d rows of %d columns", rows, columns)
	}
	switch {
	case err != nil:
		result.Message = "it cannot be evaluated: " + refusalText(err, withValues)
		return result
	case value == "t" || value == "true":
		result.Passed = true
		return result
	case c.offending == "" && c.figure == "":
		known := map[string]string{"f": "false", "NULL": "NULL"}[value]
		if known == "" && !withValues {
			known = "neither true nor false"
		}
		result.Message = "it is " + cmp.Or(known, value) + ", expected is true"
		return result
	}
	if err := c.describe(ctx, conn, &result, withValues); err != nil {
		result.Message = "what breaks it cannot be counted: " + refusalText(err, withValues)
	}
	return result
}

// refusalText is what hyperd says of a query, without values of rows unless these may be shown.
func refusalText(err error, withValues bool) string {
	if code := hyperd.RefusedValue(err); code != "" && !withValues {
		return fmt.Sprintf("there is a value for which it has no result (hyperd error %s); --log-values shows more", code)
	}
	return err.Error()
}

// describe says what is wrong with a check that is false.
func (c check) describe(ctx context.Context, conn *hyperd.Conn, result *report.CheckResult, withValues bool) error {
	if c.figure != "" {
		figure, err := conn.QueryValue(ctx, c.figure)
		result.Message = fmt.Sprintf(c.message, cmp.Or(figure, "NULL"))
		return err
	}
	text, err := conn.QueryValue(ctx, "SELECT count(*) FROM ("+c.offending+") AS offending")
	if err != nil {
		return err
	}
	count, err := strconv.ParseInt(text, 10, 64)
	result.Offending, result.Message = &count, text+" "+c.message
	if err != nil || !withValues {
		return err
	}
	sample := fmt.Sprintf("SELECT * FROM (%s) AS offending LIMIT %d", c.offending, maxSamples)
	return conn.Query(ctx, sample, func(_ []hyperd.Field, values [][]byte) error {
		var row []string
		for _, value := range values {
			if value == nil {
				row = append(row, "NULL")
			} else {
				row = append(row, string(value))
			}
		}
		result.Samples = append(result.Samples, row)
		return nil
	})
}
