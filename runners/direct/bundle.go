package direct

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/exec"
)

// Data is what goes into a bundle and what comes out of it. Next is called by one goroutine,
// Emit and Close by another.
type Data interface {
	// Next returns the next element; ok is false after the last one.
	Next() (element []byte, ok bool)

	// Emit takes one element that comes to a shuffle, and keeps it. An error ends the bundle.
	Emit(shuffle string, element []byte) error

	// Close is called for each shuffle that the stage writes when the bundle is finished. An
	// error fails the bundle.
	Close(shuffle string) error
}

// Bundle is one try at some elements of a stage, with DoFns of its own, which are made from their
// serialised form. As in a worker, Teardown is not called.
type Bundle struct {
	ctx  context.Context
	name string
	plan *exec.Plan
}

// NewBundle prepares a bundle; ctx is that of its DoFns. It fails where Beam cannot make a plan of the stage, such as
// for a DoFn that is not registered.
func (s *Stage) NewBundle(ctx context.Context, name string) (*Bundle, error) {
	plan, err := exec.UnmarshalPlan(s.descriptor, nil)
	if err != nil {
		return nil, err
	}
	return &Bundle{ctx: metrics.SetBundleID(ctx, name), name: name, plan: plan}, nil
}

// Run runs the bundle, once. A panic of a DoFn is an error. A bundle whose context is done may
// end early as if it were complete: that is an error, too.
func (b *Bundle) Run(data Data) error {
	if err := b.plan.Execute(b.ctx, b.name, exec.DataContext{Data: ports{data}}); err != nil {
		return err
	}
	return b.ctx.Err()
}

// addCounters adds the counters of a namespace, as far as the bundle has come, to counts. Safe
// while the bundle runs.
func (b *Bundle) addCounters(namespace string, counts map[string]int64) {
	extractor := metrics.Extractor{SumInt64: func(labels metrics.Labels, value int64) {
		if labels.Namespace() == namespace {
			counts[labels.Name()] += value
		}
	}}
	_ = extractor.ExtractFrom(metrics.GetStore(b.ctx)) // fails only where nothing is to be extracted
}

// ports connects Data to Beam: exec.DataManager.
type ports struct{ data Data }

// OpenElementChan implements exec.DataManager.
func (p ports) OpenElementChan(ctx context.Context, id exec.StreamID, _ []string) (<-chan exec.Elements, error) {
	elements := make(chan exec.Elements)
	go func() {
		defer close(elements)
		for {
			element, ok := p.data.Next()
			if !ok {
				return
			}
			select {
			case elements <- exec.Elements{Data: element, PtransformID: id.PtransformID}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return elements, nil
}

// OpenWrite implements exec.DataManager.
func (p ports) OpenWrite(_ context.Context, id exec.StreamID) (io.WriteCloser, error) {
	return sink{p.data, id.PtransformID}, nil
}

// OpenTimerWrite implements exec.DataManager.
func (ports) OpenTimerWrite(context.Context, exec.StreamID, string) (io.WriteCloser, error) {
	return nil, errors.New("this engine does not know timers")
}

// sink takes the elements that come to one shuffle, one with each call.
type sink struct {
	data    Data
	shuffle string
}

func (s sink) Write(element []byte) (int, error) {
	return len(element), s.data.Emit(s.shuffle, bytes.Clone(element))
}

func (s sink) Close() error { return s.data.Close(s.shuffle) }
