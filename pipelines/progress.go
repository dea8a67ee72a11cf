package pipelines

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/job"
	"hyperlake/pipelines/report"
)

// detailMerge is what the load does once its rows are in partials.
const detailMerge = "merge"

// growsEvery is how often people are told how large a file has grown.
const growsEvery = time.Second

// showProgress tells people how far the run is in a stage, or a part of one, that began then.
func (r *run) showProgress(p report.Progress, started time.Time) {
	if r.options.Progress == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	p.Elapsed = time.Since(started)
	if r.part != nil {
		p.TotalRows = r.part.Rows()
	}
	r.options.Progress(p)
}

// tell says what the run does between its stages, or in a part of one.
func (r *run) tell(stage, detail string) {
	r.showProgress(report.Progress{Stage: stage, Detail: detail, Uncounted: true}, time.Now())
}

// watch has people told, within the context that it returns, how far a file is that a stage hashes or moves, one at a time: once isDue,
// which is nil for always.
func (r *run) watch(ctx context.Context, stage string, isDue *atomic.Bool) context.Context {
	var began time.Time
	return storage.Watch(ctx, func(w storage.Work) {
		if w.Done == 0 {
			began = time.Now()
		}
		if isDue != nil && !isDue.Load() {
			return
		}
		r.showProgress(report.Progress{Stage: stage, Detail: w.Doing, Bytes: w.Done, TotalBytes: w.Total}, began)
	})
}

// whileGrowing does work that tells nothing by itself but how large a file has grown.
func (r *run) whileGrowing(stage, file string, do func() error) error {
	began, done, told := time.Now(), make(chan struct{}), make(chan struct{})
	tell := func() {
		p := report.Progress{Stage: stage, Uncounted: true}
		if stat, err := os.Stat(file); err == nil {
			p.Written = stat.Size()
		}
		r.showProgress(p, began)
	}
	tell()
	go func() {
		defer close(told)
		tick := time.NewTicker(growsEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				tell()
			}
		}
	}()
	defer func() {
		close(done)
		<-told
	}()
	return do()
}

// tellCheck says which check is held against the extract.
func (r *run) tellCheck(name string, number, of int) {
	r.tell("check", fmt.Sprintf("%d of %d, %s", number, of, name))
}

// loadProgress is how far a job is that has so many rows to load.
func loadProgress(done job.Progress, rows int64) report.Progress {
	p := report.Progress{Stage: "load", Rows: done.Rows, Written: done.Written, Uncounted: !done.Counted}
	switch {
	case !done.Counted:
	case done.Rows >= rows && rows > 0:
		return report.Progress{Stage: "load", Detail: detailMerge, Uncounted: true} // or what else follows when the last row is in
	case done.Rows == 0 && done.Moved > 0:
		p.Detail, p.Rows = "sort", done.Moved
	}
	return p
}
