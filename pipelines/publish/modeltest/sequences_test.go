package modeltest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/runners/enginetest"
)

// atOnce is how many sequences run at once: they wait for hyperd most of the time.
const atOnce = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	hyperdtest.Main(func() int {
		for name, value := range map[string]string{"tab_pat_name": "nightly", "tab_secret_id": "secret", "XDG_STATE_HOME": os.Getenv("TMPDIR")} {
			_ = os.Setenv(name, value)
		}
		_ = flag.Set("test.parallel", atOnce)
		return m.Run()
	})
}

// Whatever happens, rows are neither doubled nor lost without a word, and the last line has what finishes the work.
func TestRandomSequences(t *testing.T) {
	s := openWorkshop(t)
	t.Run("all", func(t *testing.T) { // which has its end when all of them have theirs
		eachSeed(t, func(t *testing.T, seed uint64) {
			t.Parallel()
			events := drawer{rand.New(rand.NewPCG(seed, 0))}.sequence()
			if problem := s.play(t.Context(), seed, events); problem != nil {
				problem = s.shrink(t.Context(), seed, events, problem)
				t.Errorf("%v\nHYPERLAKE_SEED=%d repeats it; the shortest sequence like it is\n%s", problem, seed, problem.script)
			}
		})
	})
}

// eachSeed runs a test with the same seeds every time, unless the environment asks for others: see [enginetest.EachSeed].
func eachSeed(t *testing.T, test func(t *testing.T, seed uint64)) {
	t.Helper()
	if os.Getenv("HYPERLAKE_SEED") != "" || os.Getenv("HYPERLAKE_SEEDS") != "" {
		enginetest.EachSeed(t, sequences, test)
		return
	}
	for seed := range uint64(sequences) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { test(t, seed) })
	}
}

// problem is what is wrong with a sequence.
type problem struct {
	error
	kind   string // in a word
	script string // what happened
}

// run is a sequence under way.
type run struct {
	*world
	draw   drawer
	model  model
	script []string
}

// play plays a sequence, and returns what is wrong with it.
func (s *workshop) play(ctx context.Context, seed uint64, events []event) *problem {
	w, err := openWorld(ctx, s)
	if err != nil {
		return &problem{error: err, kind: "the test"}
	}
	r := &run{world: w, draw: drawer{rand.New(rand.NewPCG(seed, 1))}}
	r.model = model{{rows: theirs.rows, have: map[*extract]table{}}}
	err = errors.Join(r.play(ctx, events), w.close(ctx))
	if err == nil {
		return nil
	}
	kind, _, _ := strings.Cut(err.Error(), ",")
	return &problem{error: err, kind: kind, script: strings.Join(r.script, "\n")}
}

func (r *run) play(ctx context.Context, events []event) error {
	var last *command
	var told error
	for _, e := range events {
		switch {
		case e.command != nil:
			c, err := r.truthful(e.command)
			if err != nil {
				return err
			}
			last = c
			if told, err = r.try(ctx, c); err != nil {
				return err
			}
			continue
		case e.foreign != nil:
			done, err := r.do(e.foreign)
			if err != nil {
				return fmt.Errorf("%s: %w", e, err)
			}
			for i := range r.model {
				if done {
					r.model[i] = r.model[i].after(e.foreign)
				}
			}
		case e.forget == jobs:
			r.ForgetJobs()
		case e.forget == requests:
			r.StepClock(25 * time.Hour)
			r.ForgetRequests()
		default:
			r.StepClock(e.clock)
		}
		r.script = append(r.script, "  "+e.String())
	}
	if last == nil {
		return nil
	}
	r.script = append(r.script, "  and what the last line says:")
	return r.finish(ctx, last, told)
}

// truthful is a command without what would not be true.
func (r *run) truthful(c *command) (*command, error) {
	seen, err := r.look(c)
	said := *c
	said.applied, said.missing = c.applied && seen.applied, c.missing && seen.missing
	return &said, err
}

// try runs a command, and holds the rows against the model.
func (r *run) try(ctx context.Context, c *command) (told, err error) {
	started := len(r.Requests())
	told, done, unseen, killed, err := r.run(ctx, c)
	if err != nil {
		return nil, err
	}
	end := "done"
	switch {
	case killed:
		end = "killed"
	case told != nil:
		end = failure.Of(told, failure.Engine).Sentence()
	}
	r.script = append(r.script, "  "+c.String(), "      → "+end)
	if os.Getenv("HYPERLAKE_SEED") != "" {
		for _, request := range r.Requests()[started:] {
			r.script = append(r.script, "        "+request.Method+" "+request.Path)
		}
	}
	rows, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	if r.model, err = r.model.judge(c, done, unseen, told == nil && !killed, rows); err != nil {
		return nil, err
	}
	return told, nil
}

// maxShrinking bounds the time that is taken to make a sequence short.
const maxShrinking = time.Minute

// shrink leaves out whatever can be left out, as long as the same goes wrong.
func (s *workshop) shrink(ctx context.Context, seed uint64, events []event, found *problem) *problem {
	end := time.Now().Add(maxShrinking)
	for again := true; again; {
		again = false
		for _, shorter := range shorter(events) {
			if time.Now().After(end) {
				return found
			}
			if p := s.play(ctx, seed, shorter); p != nil && p.kind == found.kind {
				events, found, again = shorter, p, true
				break
			}
		}
	}
	return found
}

// shorter are sequences that lack an event, or a mishap.
func shorter(events []event) (all [][]event) {
	for i, e := range events {
		all = append(all, slices.Delete(slices.Clone(events), i, i+1))
		if e.command == nil {
			continue
		}
		for j := range e.command.mishaps {
			c := *e.command
			c.mishaps = slices.Delete(slices.Clone(c.mishaps), j, j+1)
			with := slices.Clone(events)
			with[i].command = &c
			all = append(all, with)
		}
	}
	return all
}

// What a drawn sequence tests is what the extracts promise.
func TestExtracts(t *testing.T) {
	t.Parallel()
	counts := map[int64]bool{}
	for _, e := range []*extract{first, second, nearly, large, keys, several} {
		assert.False(t, counts[e.rows.count()], e.name)
		counts[e.rows.count()] = true
	}
	assert.True(t, first.rows.meets(second.rows))
	assert.False(t, first.rows.minus(second.rows).meets(theirs.rows))
}
