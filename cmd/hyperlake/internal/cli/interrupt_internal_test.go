package cli

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/report"
)

// Who interrupts a run is told what stays, and how to go on, wherever it was.
func TestWhatStaysAfterAnInterruption(t *testing.T) {
	t.Parallel()
	placed := report.Output{SHA256: "5e"}
	publishing := func(first report.Publishing, others ...*report.Publishing) *report.Report {
		first.Others = others
		return &report.Report{Output: placed, Publish: &first}
	}
	for name, c := range map[string]struct {
		record *report.Report
		want   string
	}{
		"nothing":    {&report.Report{}, "the output is as it was before, and nothing else stays; run it again"},
		"partials":   {&report.Report{Resumable: &report.Part{}}, "the output is as it was before, and what is finished stays on staging"},
		"an extract": {&report.Report{Output: placed}, "the extract is in place, and nothing was published; publish it with `again`"},
		"extracts":   {&report.Report{Outputs: []report.Extract{{}}}, "the extract is in place, and nothing was published; publish it with `again`"},
		"before an upload": {publishing(report.Publishing{Outcome: "failed"}),
			"the upload was not handed over, and the data source is as it was before; it is safe to repeat: `again`"},
		"the turn of another": {publishing(report.Publishing{Outcome: "published"}, &report.Publishing{Outcome: "untried"}),
			"the upload was not handed over, and the data source is as it was before; it is safe to repeat: `again`"},
		"a job": {publishing(report.Publishing{Outcome: "unknown", JobID: "J"}, &report.Publishing{Outcome: "untried"}),
			"job J of the server goes on with what was sent; it is safe to repeat, no row is added twice: `again`"},
		"an upload": {publishing(report.Publishing{Outcome: "unknown"}),
			"an upload was handed over, and nobody knows yet what the server made of it; it is safe to repeat, no row is added twice: `again`"},
		"what follows": {publishing(report.Publishing{Outcome: "published"}),
			"the rows are published, and what was to follow may be missing; it is safe to repeat: `again`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			interrupted := failure.New(failure.Interrupted, "interrupted by interrupt")
			told := failure.Of(afterInterrupt(interrupted, c.record, "again"), failure.Engine)
			assert.Equal(t, "interrupted by interrupt; "+c.want, told.Sentence())
			assert.Empty(t, interrupted.Hint, "others may have it, too")
		})
	}
	failed := failure.New(failure.Storage, "x")
	assert.Equal(t, error(failed), afterInterrupt(failed, &report.Report{}, "again"))
}

// Once a command was interrupted, that is how it ended, whatever came of it; but not if all was done by then.
func TestEnding(t *testing.T) {
	t.Parallel()
	var a app
	record := &report.Report{}
	a.final.Store(record)
	running, interrupt := context.WithCancelCause(t.Context())
	interrupted := failure.New(failure.Interrupted, "interrupted")
	broken := failure.New(failure.Check, "broken")
	assert.Equal(t, ending{exitDone, nil, record}, a.endingOf(running, nil))
	assert.Equal(t, ending{exitData, broken, record}, a.endingOf(running, broken))
	assert.Equal(t, exitFailed, a.endingOf(running, errors.New("another")).code)
	interrupt(interrupted)
	assert.Equal(t, ending{exitDone, nil, record}, a.endingOf(running, nil))
	assert.Equal(t, ending{exitInterrupted, interrupted, record}, a.endingOf(running, broken))
	assert.NoError(t, a.endingOf(running, nil).err())
}

// The exit code of several configurations is theirs, where all that failed have the same.
func TestEndOfAll(t *testing.T) {
	t.Parallel()
	var a app
	of := func(failures ...*failure.Error) int {
		var all []ended
		for _, failed := range failures {
			all = append(all, ended{Configuration: "x.yaml", ExitCode: a.exitCode(failed), failed: failed})
		}
		return a.endingOf(t.Context(), endOfAll(all)).code
	}
	early := failure.New(failure.Storage, "x").BeforeData()
	kind := func(k failure.Kind) *failure.Error { return failure.New(k, "x") }
	assert.Equal(t, exitDone, of(nil, nil))
	assert.Equal(t, exitUsage, of(early, nil))
	assert.Equal(t, exitUsage, of(early, kind(failure.Config)))
	assert.Equal(t, exitData, of(kind(failure.Check), nil, kind(failure.Data)))
	assert.Equal(t, exitFailed, of(kind(failure.Storage), kind(failure.Hyperd)))
	assert.Equal(t, exitLocked, of(kind(failure.Locked)))
	assert.Equal(t, exitUnpublished, of(kind(failure.Publish), kind(failure.Publish)))
	assert.Equal(t, exitFailed, of(early, kind(failure.Storage)))
	assert.Equal(t, exitFailed, of(kind(failure.Data), kind(failure.Publish)))
}
