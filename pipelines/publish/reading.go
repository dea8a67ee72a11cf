package publish

import (
	"context"
	"time"

	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
)

const (
	// stageRead is the name of reading an extract, for people: it is a part of publishing.
	stageRead = "read the extract"

	// tellEvery is how often people are told that something goes on that nobody counts.
	tellEvery = time.Second
)

// readContent has every row of the extract read, for the hash of its content; in mode sync that is done later, if it has to be.
func (t *transfer) readContent(ctx context.Context) (content hyper.Content, err error) {
	read := hyper.ReadContent
	if t.cfg.Publish.Mode.Syncs() {
		read = hyper.ReadLayout
	}
	whileTelling(t.options.Progress, func() { content, err = read(ctx, t.lease, t.extract.path) })
	if err == nil && t.options.Found != nil {
		t.options.Found(content.Catalog)
	}
	return content, err
}

// whileTelling reads an extract, and tells progress, which may be nil, that this goes on.
func whileTelling(progress func(report.Progress), read func()) {
	if progress == nil {
		read()
		return
	}
	started := time.Now()
	tell := func() {
		progress(report.Progress{Stage: stageRead, Uncounted: true, Elapsed: time.Since(started)})
	}
	tell()
	done, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		ticker := time.NewTicker(tellEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				tell()
			}
		}
	}()
	read()
	close(done)
	<-told
}
