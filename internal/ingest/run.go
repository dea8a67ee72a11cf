package ingest

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/dustin/go-humanize"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/words"
)

// Run reads a source, and replaces the folder of an entry by what it has: whole, or the folder stays as it was. The caller has the lock
// of the folder, and closes the source.
//
// What keeps rows out of the folder without being a reject fails it: a source that sent another number of rows than it says, parts whose
// footers say another one. More rejects than are allowed, and no rows, are failures of kind Data, whose rejects are placed. What it refuses
// before any data was read is known early.
func Run(ctx context.Context, entry Entry, source Source, around Surroundings) (*Account, error) {
	schema, err := LookAt(ctx, entry, source)
	if err != nil {
		return nil, err
	}
	if around.PlaceRejects != nil {
		if err := checkRejectNames(entry, schema.Columns); err != nil {
			return nil, err
		}
	}
	to, err := openTarget(ctx, entry, around.Held)
	if err != nil {
		return nil, err
	}
	defer to.close(ctx)
	r := &run{entry: entry, around: around, schema: schema, target: to}
	return r.read(ctx, source)
}

// run is one run under way.
type run struct {
	entry  Entry
	around Surroundings
	schema *Schema
	target *target
}

func (r *run) read(ctx context.Context, source Source) (*Account, error) {
	started := time.Now().UTC()
	converter, err := r.schema.converter()
	if err != nil {
		return nil, err
	}
	rejects := newRejectWriter(r.schema.Columns, r.around.PlaceRejects != nil)
	defer rejects.close()
	parts := startWriter(ctx, r.target.parts, r.entry.RunID, r.schema.target, defaultLimits, r.around.Progress)
	defer parts.abandon()
	said, err := source.Read(ctx, r.schema.asked, &sink{schema: r.schema, converter: converter, parts: parts, rejects: rejects})
	if err != nil {
		return nil, asSource(r.entry, err)
	}
	written, err := parts.finish(ctx)
	if err != nil {
		return nil, err
	}
	files, err := rejects.finish(ctx)
	if err != nil {
		return nil, err
	}
	account := &Account{
		Rows: parts.rows, Rejected: rejects.rows, Bytes: parts.bytes, Parts: len(written), Schema: r.schema, Rules: rejects.counts(),
	}
	if err := r.reconcile(account, said); err != nil {
		return nil, err
	}
	verdict := r.judge(account)
	if r.around.PlaceRejects != nil {
		if err := r.around.PlaceRejects(ctx, files); err != nil {
			return account, cmp.Or(verdict, err)
		}
	}
	if verdict != nil {
		return account, verdict
	}
	return account, r.target.commit(ctx, lake.Ingested{
		Version: lake.IngestedVersion, Name: r.entry.Name, RunID: r.entry.RunID, Source: r.entry.Source, Rows: account.Rows,
		Rejected: account.Rejected, Said: said.By, Bytes: account.Bytes, Parts: written, Started: started, Finished: time.Now().UTC(),
	}, r.schema)
}

// asSource is a failure of a source, unless it knows better what it is.
func asSource(entry Entry, err error) error {
	return failure.Of(fmt.Errorf("ingest %s: %w", entry.Name, err), failure.Source)
}

// reconcile holds what arrived against what the source says that it sent.
func (r *run) reconcile(account *Account, said Said) error {
	if found := account.Rows + account.Rejected; found != said.Rows {
		return failure.New(failure.Source, "ingest %s: %s arrived (%s were written, %s rejected), but by %s there are %s", r.entry.Name,
			words.Count(found, "row"), humanize.Comma(account.Rows), humanize.Comma(account.Rejected), said.By, humanize.Comma(said.Rows)).
			WithHint("nothing was changed in %s; run it again, and if it happens again, report it", r.entry.To)
	}
	return nil
}

// judge says why the rows must not be put into place; nil if they may.
func (r *run) judge(account *Account) error {
	limits, total := r.entry.Rejects, account.Rows+account.Rejected
	var excess string
	switch {
	case limits.MaxRows != nil && account.Rejected > int64(*limits.MaxRows):
		excess = fmt.Sprintf("more than max_rows: %d", *limits.MaxRows)
	case limits.MaxRatio != nil && float64(account.Rejected) > *limits.MaxRatio*float64(total):
		excess = fmt.Sprintf("more than max_ratio: %v", *limits.MaxRatio)
	}
	if excess != "" {
		message := fmt.Sprintf("ingest %s: %s of %s were rejected, %s: %s", r.entry.Name, humanize.Comma(account.Rejected),
			words.Count(total, "row"), excess, account.culprits())
		if !limits.Warn {
			return failure.New(failure.Data, "%s", message).
				WithHint("%s stays as it was; look at the rejects, correct the source, or raise rejects.max_rows or max_ratio", r.entry.To)
		}
		if r.around.Warn != nil {
			r.around.Warn(message)
		}
	}
	if account.Rows > 0 || r.entry.AllowEmpty {
		return nil
	}
	message := "the source has no rows"
	if account.Rejected > 0 {
		message = fmt.Sprintf("all %s were rejected: %s", words.Count(account.Rejected, "row"), account.culprits())
	}
	return failure.New(failure.Data, "ingest %s: %s", r.entry.Name, message).
		WithHint("%s stays as it was; set on_empty: allow to have it empty", r.entry.To)
}

// mostCulprits is how many rules a message names.
const mostCulprits = 3

// culprits names the rules that most rejects broke.
func (a *Account) culprits() string {
	text := ""
	for i, rule := range a.Rules {
		if i == mostCulprits {
			return text + " and others"
		}
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s (%s)", ruleText(rule.Rule, rule.Column), humanize.Comma(rule.Rows))
	}
	return text
}

// converter makes of what the source is asked for what is written, but for columns that it has no more.
func (s *Schema) converter() (*convert.Converter, error) {
	var asked []convert.Column
	for _, field := range s.asked.Fields() {
		at := s.target.FieldIndices(field.Name)[0]
		if !arrow.TypeEqual(field.Type, s.target.Field(at).Type) {
			asked = append(asked, convert.Column{Source: field.Name, Type: s.Columns[at].Type})
		}
	}
	return convert.Compile(s.asked, convert.Refuse, asked)
}

// sink takes what a source reads.
type sink struct {
	schema    *Schema
	converter *convert.Converter
	parts     *writer
	rejects   *rejectWriter
}

// Batch implements [Sink].
func (s *sink) Batch(ctx context.Context, rows arrow.Record) error {
	whole, err := s.complete(rows)
	if err != nil {
		return failure.New(failure.Engine, "a batch does not fit: %w", err)
	}
	defer whole.Release()
	return s.parts.add(ctx, whole)
}

// Reject implements [Sink].
func (s *sink) Reject(ctx context.Context, r Reject) error { return s.rejects.add(ctx, r) }

// complete makes a record of all pinned columns.
func (s *sink) complete(rows arrow.Record) (arrow.Record, error) {
	for i, field := range s.schema.asked.Fields() {
		if i >= int(rows.NumCols()) || rows.ColumnName(i) != field.Name {
			return nil, fmt.Errorf("it has no column %q at place %d", field.Name, i+1)
		}
	}
	converted, failures, err := s.converter.Apply(rows)
	if err == nil && len(failures) > 0 {
		err = fmt.Errorf("a value of the column %q is none of its type", s.schema.asked.Field(failures[0].Column).Name)
	}
	if err != nil {
		return nil, err
	}
	columns := make([]arrow.Array, s.schema.target.NumFields())
	for i, field := range s.schema.target.Fields() {
		at := converted.Schema().FieldIndices(field.Name)
		if len(at) == 0 {
			columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, field.Type, int(rows.NumRows()))
			continue
		}
		columns[i] = converted.Column(at[0])
	}
	return array.NewRecord(s.schema.target, columns, rows.NumRows()), nil
}
