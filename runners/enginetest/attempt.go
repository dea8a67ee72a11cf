package enginetest

import (
	"context"
	"errors"
	"sync"

	"hyperlake/runners/direct"
)

var errCutOff = errors.New("the connection to the engine was cut")

// attempt runs elements through a stage with DoFns of its own, and returns what they emitted
// by shuffle.
func attempt(ctx context.Context, s *direct.Stage, name string, elements [][]byte, f fate) (map[string][][]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	bundle, err := s.NewBundle(ctx, name)
	if err != nil {
		return nil, err
	}
	data := &attemptData{fate: f, elements: elements, cancel: cancel, emitted: map[string][][]byte{}}
	return data.emitted, bundle.Run(data)
}

// attemptData is what goes into an attempt and comes out of it: direct.Data.
type attemptData struct {
	fate     fate
	elements [][]byte
	cancel   context.CancelFunc
	read     int

	mu      sync.Mutex
	emitted map[string][][]byte
	writes  int
}

// Next implements direct.Data. It ends the attempt if that is its fate after so many elements.
func (d *attemptData) Next() (element []byte, ok bool) {
	if d.fate.kind == cancelled && d.fate.at == d.read {
		d.cancel()
	}
	if d.read == len(d.elements) {
		return nil, false
	}
	d.read++
	return d.elements[d.read-1], true
}

// Emit implements direct.Data.
func (d *attemptData) Emit(shuffle string, element []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writes++; d.fate.kind == cutOff && d.writes > d.fate.at {
		return errCutOff
	}
	d.emitted[shuffle] = append(d.emitted[shuffle], element)
	return nil
}

// Close implements direct.Data. An attempt that is to be cut off fails here at the latest.
func (d *attemptData) Close(string) error {
	if d.fate.kind == cutOff {
		return errCutOff
	}
	return nil
}
