package notify

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	const (
		failure, recovered, rejects = config.NotifyFailure, config.NotifyRecovered, config.NotifyRejects
		unchanged, success          = config.NotifyUnchanged, config.NotifySuccess
	)
	ended := func(code int, status report.Status, rejected int64) Outcome {
		return Outcome{ExitCode: code, Report: &report.Report{Status: status, Tables: []report.TableAccount{{RowsRejected: rejected}}}}
	}
	type events []config.NotifyEvent
	usual := events{failure, recovered}
	cases := []struct {
		name   string
		end    Outcome
		failed bool // the run before
		on     events
		want   config.NotifyEvent // empty for none
	}{
		{"a failure", ended(1, report.Failed, 0), false, usual, failure},
		{"a failure after another", ended(1, report.Failed, 0), true, usual, failure},
		{"a failure of which nobody wants to know", ended(1, report.Failed, 0), false, events{recovered, rejects, unchanged, success}, ""},
		{"the configuration", Outcome{ExitCode: 2}, false, usual, failure},
		{"the data", ended(3, report.Rejected, 7), false, events{failure, rejects}, failure},
		{"not published", ended(4, report.Unpublished, 0), false, usual, failure},
		{"the lock of another", ended(5, report.Failed, 0), false, usual, failure},
		{"SIGTERM", ended(143, report.Interrupted, 0), false, usual, failure},
		{"a person", Outcome{ExitCode: 130, ByHand: true}, true, events{failure, recovered, rejects, unchanged, success}, ""},
		{"a success", ended(0, report.Succeeded, 0), false, usual, ""},
		{"a success that is wanted", ended(0, report.Succeeded, 0), false, events{failure, success}, success},
		{"a success after a failure", ended(0, report.Succeeded, 0), true, usual, recovered},
		{"a success of which the failure before is not wanted", ended(0, report.Succeeded, 0), true, events{success}, success},
		{"once, of two that are wanted", ended(0, report.Succeeded, 3), true, events{rejects, recovered}, recovered},
		{"rejects", ended(0, report.Succeeded, 3), false, events{rejects}, rejects},
		{"rejects after a failure", ended(0, report.Succeeded, 3), true, events{rejects}, rejects},
		{"rejects are no other success", ended(0, report.Succeeded, 3), false, events{success}, ""},
		{"rejects of what is ingested", Outcome{Report: ingested()}, false, events{rejects}, rejects},
		{"too many of them", notIngested(), false, events{rejects, failure}, failure},
		{"unchanged", ended(0, report.Unchanged, 3), false, events{unchanged}, unchanged},
		{"unchanged has the rejects of before", ended(0, report.Unchanged, 3), false, events{rejects, success}, ""},
		{"unchanged after a failure", ended(0, report.Unchanged, 0), true, usual, recovered},
		{"without a report", Outcome{}, false, events{success}, success},
	}
	for _, c := range cases {
		all := events(nil)
		all = append(all, eventsOf(c.end, c.failed)...)
		got, isTold := choose(c.on, all)
		assert.Equal(t, c.want, got, c.name)
		assert.Equal(t, c.want != "", isTold, c.name)
	}
}
