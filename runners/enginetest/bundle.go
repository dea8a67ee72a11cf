package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"golang.org/x/sync/errgroup"

	"hyperlake/internal/failure"
	"hyperlake/runners/direct"
)

// maxAtOnce bounds how many bundles of a stage run at the same time.
const maxAtOnce = 3

// kind is what becomes of an attempt.
type kind int

const (
	counted kind = iota
	lost
	late
	cutOff
	cancelled
	kinds
)

// fate is what becomes of one attempt.
type fate struct {
	kind  kind
	at    int  // cutOff: how many elements it emits before; cancelled: how many it reads before
	fatal bool // for its job
}

// givenUpAt is of how many attempts that are cut off or cancelled one is fatal, on average, where
// a job is given up; those that read an impulse, which is soon done, are not.
const givenUpAt = 3

// bundle is some elements of a stage, and how they are processed again and again.
type bundle struct {
	stage    *direct.Stage
	name     string
	elements [][]byte
	fates    []fate // of its attempts, one of which counts
	atOnce   bool   // else one after another
}

// runStage runs all bundles of a stage, and hands over what the attempts that count emitted.
func (j *job) runStage(ctx context.Context, s *direct.Stage) error {
	came := j.waiting[s.Reads]
	shuffle(j.random, came) // so that the values of a key are in any order
	elements, err := s.Input(came)
	if err != nil {
		return err
	}
	cuts := cut(j.random, elements)
	outputs := make([]map[string][][]byte, len(cuts))
	var group errgroup.Group
	group.SetLimit(1 + j.random.IntN(maxAtOnce))
	for i, elements := range cuts {
		b := j.bundle(s, fmt.Sprintf("%s-%d", s.ID, i), elements)
		group.Go(func() (err error) {
			outputs[i], err = j.runBundle(ctx, b)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, output := range outputs {
		for shuffle, elements := range output {
			j.waiting[shuffle] = append(j.waiting[shuffle], elements...)
		}
	}
	return nil
}

// bundle decides what will become of a bundle: two or three attempts in any order.
func (j *job) bundle(s *direct.Stage, name string, elements [][]byte) bundle {
	b := bundle{stage: s, name: name, elements: elements, fates: []fate{{kind: counted}}, atOnce: j.random.IntN(2) == 0}
	for range 1 + j.random.IntN(2) {
		f := fate{kind: lost + kind(j.random.IntN(int(kinds-lost)))}
		switch f.kind {
		case cutOff:
			f.at = j.random.IntN(3)
		case cancelled:
			f.at = j.random.IntN(len(elements) + 1)
		}
		f.fatal = j.doomed && s.Reads != "" && (f.kind == cutOff || f.kind == cancelled) && j.random.IntN(givenUpAt) == 0
		b.fates = append(b.fates, f)
	}
	j.random.Shuffle(len(b.fates), func(i, k int) { b.fates[i], b.fates[k] = b.fates[k], b.fates[i] })
	return b
}

// runBundle makes all attempts at a bundle and returns, by shuffle, what the one that counts
// emitted. It does not wait for late ones, nor are their errors of interest: what they read
// may rightly be gone.
func (j *job) runBundle(ctx context.Context, b bundle) (outputs map[string][][]byte, err error) {
	var group errgroup.Group
	if !b.atOnce {
		group.SetLimit(1)
	}
	for i, f := range b.fates {
		name := fmt.Sprintf("%s-%d", b.name, i)
		j.engine.count(f)
		if f.kind == late {
			j.late.Go(func() { _, _ = attempt(ctx, b.stage, name, b.elements, f) })
			continue
		}
		group.Go(func() error {
			emitted, err := attempt(ctx, b.stage, name, b.elements, f)
			switch {
			case f.fatal:
				return failure.Encode(failure.New(failure.Engine, "the engine gave up at %s", name).Retryable(), failure.Engine)
			case f.kind == cutOff || f.kind == cancelled:
				return nil
			case err != nil:
				return err
			case f.kind == counted:
				outputs = emitted
			}
			return nil
		})
	}
	return outputs, group.Wait()
}

// shuffle brings elements into any order that the seed has for them, in whatever order they
// came: attempts at the same time end in no order.
func shuffle(random *rand.Rand, elements [][]byte) {
	slices.SortFunc(elements, bytes.Compare)
	random.Shuffle(len(elements), func(i, k int) { elements[i], elements[k] = elements[k], elements[i] })
}

// cut cuts elements, in any order, into bundles. Some bundles have none.
func cut(random *rand.Rand, elements [][]byte) [][][]byte {
	shuffle(random, elements)
	bundles := [][][]byte{nil}
	for _, element := range elements {
		if random.IntN(2) == 0 {
			bundles = append(bundles, nil)
		}
		last := len(bundles) - 1
		bundles[last] = append(bundles[last], element)
	}
	return bundles
}
