// Package direct is a Beam engine inside this process: no server, no socket, and nobody else who
// could ask it for anything. It cuts a pipeline into stages, and runs the bundles of each stage by
// Beam's own execution plans, as a worker of Beam would: DoFns are made from their serialised
// form, and elements pass through their coders between stages.
//
// It runs pipelines of Impulse, ParDo, Flatten and GroupByKey with one input or several, in
// global windows and without side inputs. What comes to a shuffle is kept in memory: references,
// not data. A stage begins when all that feed it have ended. A bundle that fails ends the job.
package direct

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"golang.org/x/sync/errgroup"
)

const (
	progressEvery = 250 * time.Millisecond

	// endGrace is how long a job that failed or was cancelled waits for DoFns that are still
	// busy. What is left then goes on until it notices.
	endGrace = 5 * time.Second
)

// Options say how to run a pipeline.
type Options struct {
	// Workers is how many bundles of a stage run at the same time: each takes the next of its
	// elements whenever it has done with one. Less than 1 is 1.
	Workers int

	// Namespace is that of the counters that Progress is told.
	Namespace string

	// Progress, if not nil, is called now and then with the counters so far, by name and summed
	// over the job, and once more at the end of a job that succeeded; by one goroutine at a time,
	// and never after Run returned.
	Progress func(counts map[string]int64)
}

// InitBeam readies Beam, which must happen before the first pipeline is built; it leaves the
// process's logger as it was. Safe for concurrent use.
var InitBeam = sync.OnceFunc(func() {
	logger := slog.Default()
	beam.Init() // makes a logger of its own the process's default
	slog.SetDefault(logger)
})

// Run runs a pipeline to its end. The first failure of a DoFn ends it, and is returned in Beam's
// words. When ctx is cancelled, Run returns its cause, in seconds. Safe for concurrent use.
func Run(ctx context.Context, pipeline *beam.Pipeline, options Options) error {
	stages, err := Compile(ctx, pipeline)
	if err != nil {
		return fmt.Errorf("compile the pipeline: %w", err)
	}
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	j := &job{options: options, fail: end, waiting: map[string][][]byte{}}
	stopTelling := j.tellProgress()
	defer stopTelling()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := j.run(running, stages); err != nil {
			end(err)
		}
	}()
	select {
	case <-ended:
	case <-running.Done():
		select {
		case <-ended:
		case <-time.After(endGrace):
		}
	}
	err = context.Cause(running)
	if stopTelling(); err == nil && options.Progress != nil {
		options.Progress(j.counters())
	}
	return err
}

// job is one run of a pipeline.
type job struct {
	options Options
	fail    context.CancelCauseFunc
	waiting map[string][][]byte // elements by the shuffle that they have come to

	mu      sync.Mutex
	bundles []*Bundle // of all stages so far
}

// run runs the stages one after another, each when all that feed it are done.
func (j *job) run(ctx context.Context, stages []*Stage) error {
	for len(stages) > 0 {
		ready, blocked := Ready(stages)
		if len(ready) == 0 {
			return fmt.Errorf("%d stages wait for each other", len(blocked))
		}
		for _, s := range ready {
			if err := j.runStage(ctx, s); err != nil {
				return err
			}
		}
		stages = blocked
	}
	return nil
}

// runStage divides the elements of a stage among its bundles, runs them, and hands over what
// they emitted.
func (j *job) runStage(ctx context.Context, s *Stage) error {
	elements, err := s.Input(j.waiting[s.Reads])
	if err != nil {
		return err
	}
	delete(j.waiting, s.Reads)
	n := min(max(1, j.options.Workers), len(elements))
	shares := make([]*share, n)
	rest := &queue{elements: elements[n:]}
	var group errgroup.Group
	for i := range shares {
		shares[i] = &share{first: elements[i], rest: rest, emitted: map[string][][]byte{}}
		group.Go(func() error {
			err := j.runBundle(ctx, s, fmt.Sprintf("%s-%d", s.ID, i), shares[i])
			if err != nil {
				j.fail(err)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, share := range shares {
		for shuffle, elements := range share.emitted {
			j.waiting[shuffle] = append(j.waiting[shuffle], elements...)
		}
	}
	return nil
}

func (j *job) runBundle(ctx context.Context, s *Stage, name string, data Data) error {
	b, err := s.NewBundle(ctx, name)
	if err != nil {
		return err
	}
	j.mu.Lock()
	j.bundles = append(j.bundles, b)
	j.mu.Unlock()
	return b.Run(data)
}

// tellProgress tells the counters now and then until it is stopped.
func (j *job) tellProgress() (stop func()) {
	if j.options.Progress == nil {
		return func() {}
	}
	quit := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				j.options.Progress(j.counters())
			case <-quit:
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		close(quit)
		ended.Wait()
	})
}

func (j *job) counters() map[string]int64 {
	j.mu.Lock()
	bundles := j.bundles[:len(j.bundles):len(j.bundles)]
	j.mu.Unlock()
	counts := map[string]int64{}
	for _, b := range bundles {
		b.addCounters(j.options.Namespace, counts)
	}
	return counts
}

// share is what one bundle reads, an element of its own and whatever of the rest it comes to
// first, and what it emits: Data.
type share struct {
	first   []byte // nil when it is taken
	rest    *queue
	emitted map[string][][]byte
}

// Next implements Data.
func (d *share) Next() (element []byte, ok bool) {
	if element := d.first; element != nil {
		d.first = nil
		return element, true
	}
	return d.rest.next()
}

// Emit implements Data.
func (d *share) Emit(shuffle string, element []byte) error {
	d.emitted[shuffle] = append(d.emitted[shuffle], element)
	return nil
}

// Close implements Data.
func (*share) Close(string) error { return nil }

// queue has the elements that no bundle has taken yet.
type queue struct {
	mu       sync.Mutex
	elements [][]byte
}

func (q *queue) next() (element []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.elements) == 0 {
		return nil, false
	}
	element, q.elements = q.elements[0], q.elements[1:]
	return element, true
}
