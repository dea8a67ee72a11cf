package plan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
)

// window is the condition on the date of a row that is not too old.
type window struct {
	column string
	since  string // the constant that it is compared with, as people read it
	isText bool   // of a partition, which has to be a date
}

// String says for people which dates are not too old; empty for none.
func (w *window) String() string {
	if w == nil {
		return ""
	}
	return fmt.Sprintf("%s from %s on", w.column, w.since)
}

const windowKey = "refresh.window.column"

// addWindow adds the condition that a window is for a table that has its column. It is never NULL.
func (m *mapping) addWindow(run *config.Config, mapped *arrow.Schema) error {
	asked := run.Refresh.Window
	if asked == nil {
		return nil
	}
	found, ok := mapped.FieldsByName(asked.Column)
	if !ok {
		return nil
	}
	w := &window{column: asked.Column}
	since, constant := asked.Since(run.Date), ""
	switch t := found[0].Type.(type) {
	case *arrow.Date32Type, *arrow.Date64Type:
		w.since = firstDay(since).Format(time.DateOnly)
		constant = fmt.Sprintf("date('%s')", w.since)
	case *arrow.TimestampType:
		w.since = since.Format("2006-01-02T15:04:05.999999999")
		if t.TimeZone != "" {
			w.since = momentIn(since, run.Timezone.Location()).UTC().Format(time.RFC3339Nano)
		}
		constant = fmt.Sprintf("timestamp('%s')", w.since)
	case *arrow.StringType:
		w.isText, w.since = true, firstDay(since).Format(time.DateOnly)
		constant = fmt.Sprintf("'%s'", w.since)
	default:
		return run.Problem(windowKey, "refresh.window: column %q is of type %s, not a date or a timestamp; name another column, "+
			"or give it such a type in columns", asked.Column, t)
	}
	m.window = w
	column := fmt.Sprintf("col(%s)", strconv.Quote(w.column))
	undated := fmt.Sprintf("window of %s: %s", w.column, asked.Keep)
	return m.addCondition(fmt.Sprintf("%[1]s == null || %[1]s >= %[2]s", column, constant), undated, mapped)
}

// firstDay is the first day that does not begin before a moment.
func firstDay(t time.Time) time.Time {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	if day.Before(t) {
		return day.AddDate(0, 0, 1)
	}
	return day
}

// momentIn is the first moment at which clocks in a zone are at a time, or beyond it where they never are.
func momentIn(t time.Time, zone *time.Location) time.Time {
	in := func(at time.Time, zone *time.Location) time.Time {
		return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone)
	}
	at := in(t, zone)
	start, end := at.ZoneBounds()
	switch shown := in(at, time.UTC); { // where clocks skip the time, at is on one side of where they do
	case shown.Before(t):
		return end
	case shown.After(t):
		return start
	}
	return at
}

// checkWindow refuses a window of texts that are no dates of partitions.
func (m *mapping) checkWindow(run *config.Config, src *Source) error {
	if m.window == nil || !m.window.isText {
		return nil
	}
	at := slices.IndexFunc(src.partitions, func(p partition) bool { return p.name == m.window.column })
	if at < 0 {
		return run.Problem(windowKey, "refresh.window: column %q is text, not a date or a timestamp; name another column, "+
			"or give it such a type in columns", m.window.column)
	}
	p := src.partitions[at]
	for _, value := range slices.Concat(p.values, p.pruned) {
		if value != nil && !isDate(*value) {
			return run.Problem(windowKey, "refresh.window: %s is no date such as 2026-11-28, but a value of the partition column %q",
				words.Shorten(*value), p.name)
		}
	}
	return nil
}

// checkWindow refuses a window by a column that no table has.
func (p *Plan) checkWindow(cfg *config.Config) error {
	if cfg.Refresh.Window == nil || slices.ContainsFunc(p.Tables, func(t *TablePlan) bool { return t.Window != "" || t.mayLackWindow }) {
		return nil
	}
	var names []string
	for _, table := range p.Tables {
		for _, column := range table.Columns {
			names = append(names, column.Source)
		}
	}
	err := failure.Of(cfg.Problem(windowKey, "refresh.window: no table has a column %q", cfg.Refresh.Window.Column), failure.Config)
	if near, ok := words.Nearest(cfg.Refresh.Window.Column, names); ok {
		return err.WithHint("did you mean %q?", near)
	}
	return err.WithHint("name a column of dates or timestamps as the files name it")
}
