package runners

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
)

const (
	pollEvery    = 250 * time.Millisecond
	callDeadline = 2 * time.Second // for one question to the job service

	sumURN = "beam:metric:user:sum_int64:v1"

	counterNamespace = "hyperlake"
)

// watcher follows one job through the engine's job service: every portable engine has
// one, and some know the counters while the job runs. What it cannot find out it leaves
// unsaid; the job does not depend on it.
type watcher struct {
	client   jobpb.JobServiceClient
	jobID    string
	running  func(ctx context.Context, jobID string) map[string]int64 // the engine's own counters; nil for none
	progress func(counts map[string]int64)
	quit     context.CancelFunc
	ended    sync.WaitGroup
}

func (p portable) startWatching(client jobpb.JobServiceClient, jobID string, progress func(counts map[string]int64)) *watcher {
	w := &watcher{client: client, jobID: jobID, progress: progress}
	if engine, ok := p.jobService.(counter); ok {
		w.running = engine.counts
	}
	ctx, quit := context.WithCancel(context.Background())
	w.quit = quit
	w.ended.Go(func() { w.poll(ctx) })
	return w
}

// counter is an engine that tells counters while a job runs, which the job service does not.
type counter interface {
	// counts are those of the namespace "hyperlake"; nil when they are not to be had.
	counts(ctx context.Context, jobID string) map[string]int64
}

// stop ends the watching; no progress is reported after it returned.
func (w *watcher) stop() {
	w.quit()
	w.ended.Wait()
}

func (w *watcher) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if counts := w.now(ctx); counts != nil && w.progress != nil && ctx.Err() == nil {
				w.progress(counts)
			}
		case <-ctx.Done():
			return
		}
	}
}

// now is the counters while the job runs.
func (w *watcher) now(ctx context.Context) map[string]int64 {
	if w.running != nil {
		if counts := w.running(ctx, w.jobID); len(counts) > 0 {
			return counts
		}
	}
	return w.counts(ctx)
}

// counts asks the engine for the counters of the job; nil when they are not to be had.
func (w *watcher) counts(ctx context.Context) map[string]int64 {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	answer, err := w.client.GetJobMetrics(ctx, &jobpb.GetJobMetricsRequest{JobId: w.jobID})
	if err != nil {
		return nil
	}
	attempted, committed := sums(answer.GetMetrics().GetAttempted()), sums(answer.GetMetrics().GetCommitted())
	for name, value := range committed {
		attempted[name] = max(attempted[name], value)
	}
	return attempted
}

// sums adds up the counters of our namespace over all transforms.
func sums(infos []*pipepb.MonitoringInfo) map[string]int64 {
	counts := map[string]int64{}
	for _, info := range infos {
		if info.GetUrn() != sumURN || info.GetLabels()["NAMESPACE"] != counterNamespace {
			continue
		}
		if value, n := binary.Uvarint(info.GetPayload()); n > 0 {
			counts[info.GetLabels()["NAME"]] += int64(value)
		}
	}
	return counts
}
