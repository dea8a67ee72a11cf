package publish

import (
	"context"
	"time"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
)

// stageRead is the name of reading an extract, for people: it is a part of publishing.
const stageRead = "read the extract"

// readContent has every row of the extract read, for the hash of its content; in mode sync that is done later, if it has to be.
func (t *transfer) readContent(ctx context.Context) (hyper.Content, error) {
	content, err := hyper.ReadLayout(ctx, t.lease, t.extract.path)
	if err == nil && !t.cfg.Publish.Mode.Syncs() {
		everything := func(string, string) bool { return true }
		t.tellReading(content.Catalog, everything)
		err = content.ReadRows(ctx, t.lease, t.extract.path, everything)
	}
	if err == nil && t.options.Found != nil {
		t.options.Found(content.Catalog)
	}
	return content, err
}

// tellReading says that all rows of the tables are read that take names.
func (t *transfer) tellReading(catalog hyper.Catalog, take func(schema, name string) bool) {
	if t.options.Progress == nil {
		return
	}
	p := report.Progress{Stage: stageRead, Uncounted: true}
	for _, table := range catalog.Tables {
		if take(table.Schema, table.Name) {
			p.TotalRows += table.Rows
		}
	}
	t.options.Progress(p)
}

// tell says what is done that nobody counts.
func (t *transfer) tell(doing string) {
	if t.options.Progress != nil {
		t.options.Progress(report.Progress{Stage: "publish", Detail: doing, Uncounted: true})
	}
}

// watchReading has progress, which may be nil, told within the context how far an extract is that is fetched and hashed.
func watchReading(ctx context.Context, progress func(report.Progress)) context.Context {
	if progress == nil {
		return ctx
	}
	var began time.Time
	return storage.Watch(ctx, func(w storage.Work) {
		if w.Done == 0 {
			began = time.Now()
		}
		progress(report.Progress{Stage: stageRead, Detail: w.Doing, Bytes: w.Done, TotalBytes: w.Total, Elapsed: time.Since(began)})
	})
}
