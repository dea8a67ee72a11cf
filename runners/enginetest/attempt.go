package enginetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/exec"
)

var errCutOff = errors.New("the connection to the engine was cut")

// attempt runs elements through a stage with DoFns of its own, and returns what they emitted
// by shuffle.
func (s *stage) attempt(ctx context.Context, name string, elements [][]byte, f fate) (map[string][][]byte, error) {
	plan, err := exec.UnmarshalPlan(s.descriptor, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(metrics.SetBundleID(ctx, name))
	defer cancel()
	data := &attemptData{fate: f, elements: elements, cancel: cancel, emitted: map[string][][]byte{}}
	if err := plan.Execute(ctx, name, exec.DataContext{Data: data}); err != nil {
		return nil, err
	}
	return data.emitted, ctx.Err() // a cancelled bundle ends early, as if it were complete
}

// attemptData is what goes into an attempt and comes out of it: exec.DataManager.
type attemptData struct {
	fate     fate
	elements [][]byte
	cancel   context.CancelFunc

	mu      sync.Mutex
	emitted map[string][][]byte
	writes  int
}

// OpenElementChan implements exec.DataManager.
func (d *attemptData) OpenElementChan(ctx context.Context, id exec.StreamID, _ []string) (<-chan exec.Elements, error) {
	elements := make(chan exec.Elements)
	go func() {
		defer close(elements)
		for i, element := range d.elements {
			d.maybeCancel(i)
			select {
			case elements <- exec.Elements{Data: element, PtransformID: id.PtransformID}:
			case <-ctx.Done():
				return
			}
		}
		d.maybeCancel(len(d.elements))
	}()
	return elements, nil
}

// maybeCancel ends the attempt if that is its fate after so many elements.
func (d *attemptData) maybeCancel(read int) {
	if d.fate.kind == cancelled && d.fate.at == read {
		d.cancel()
	}
}

// OpenWrite implements exec.DataManager.
func (d *attemptData) OpenWrite(_ context.Context, id exec.StreamID) (io.WriteCloser, error) {
	return &emitter{d, id.PtransformID}, nil
}

// OpenTimerWrite implements exec.DataManager.
func (d *attemptData) OpenTimerWrite(context.Context, exec.StreamID, string) (io.WriteCloser, error) {
	return nil, errors.New("this engine does not know timers")
}

// emitter takes the elements that come to one shuffle, one with each call.
type emitter struct {
	data    *attemptData
	shuffle string
}

func (e *emitter) Write(element []byte) (int, error) {
	d := e.data
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writes++; d.fate.kind == cutOff && d.writes > d.fate.at {
		return 0, errCutOff
	}
	d.emitted[e.shuffle] = append(d.emitted[e.shuffle], bytes.Clone(element))
	return len(element), nil
}

// Close is called when the bundle is finished, and fails at the latest then.
func (e *emitter) Close() error {
	if e.data.fate.kind == cutOff {
		return errCutOff
	}
	return nil
}
