package notify

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// end is one end of a run, and what is told of it.
type end struct {
	name    string
	code    int
	history []report.RunSummary // of the runs before
	byHand  bool
	want    []config.NotifyEvent
}

// Sequences of runs, with histories that know less than what was told: failures before a run began, and publishing alone.
func TestRecoveries(t *testing.T) {
	t.Parallel()
	const failure, recovered, success = config.NotifyFailure, config.NotifyRecovered, config.NotifySuccess
	before := func(status report.Status) []report.RunSummary {
		return []report.RunSummary{{Status: report.Succeeded, Started: time.Now().Add(-time.Hour)}, {Status: status, Started: time.Now().Add(time.Hour)}}
	}
	yes, no := []config.NotifyEvent{recovered, success}, []config.NotifyEvent{success}
	sequences := map[string][]end{
		"nothing ever failed":               {{want: no}, {want: no}, {history: before(report.Succeeded), want: no}},
		"a failure in no history":           {{code: 2, want: []config.NotifyEvent{failure}}, {want: yes}, {want: no}},
		"several failures":                  {{code: 1, want: []config.NotifyEvent{failure}}, {code: 2, want: []config.NotifyEvent{failure}}, {want: yes}, {want: no}},
		"a failure of which nobody told":    {{history: before(report.Failed), want: yes}, {history: nil, want: no}},
		"killed":                            {{history: before(report.Lost), want: yes}},
		"refused":                           {{history: before(report.Rejected), want: yes}},
		"not published, and published":      {{code: 4, want: []config.NotifyEvent{failure}}, {name: "publish", want: yes}, {name: "run", history: old(report.Unpublished), want: no}},
		"a person in between":               {{code: 1, want: []config.NotifyEvent{failure}}, {code: 130, byHand: true}, {history: before(report.Interrupted), want: yes}},
		"only a person":                     {{code: 130, byHand: true}, {history: before(report.Interrupted), want: no}},
		"a success of which nobody told":    {{code: 1, want: []config.NotifyEvent{failure}}, {history: before(report.Succeeded), want: yes}},
		"a failure after all is well again": {{code: 1, want: []config.NotifyEvent{failure}}, {want: yes}, {history: before(report.Failed), want: yes}},
	}
	for name, sequence := range sequences {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := config.Told{State: filepath.Join(t.TempDir(), "state"), Targets: []config.NotifyConfig{webhookOf(recovered)}}
			for i, end := range sequence {
				n := New(told, "run", discard)
				o := Outcome{ExitCode: end.code, ByHand: end.byHand, Report: &report.Report{Status: report.Succeeded, History: end.history}}
				known := n.recall(t.Context(), o)
				all := eventsOf(o, known.Failing)
				assert.Equal(t, end.want, all, "run %d %s", i, end.name)
				n.remember(t.Context(), all, known)
			}
		})
	}
}

// A state that is damaged, or cannot be written, changes nothing but what is known of recoveries.
func TestMemoryThatIsDamaged(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	n := New(config.Told{State: state, Targets: []config.NotifyConfig{webhookOf(config.NotifyRecovered)}}, "run", discard)
	require.NoError(t, os.WriteFile(filepath.Join(state, n.memoryName()), []byte("{"), 0o600))
	failed := Outcome{Report: &report.Report{History: []report.RunSummary{{Status: report.Failed, Started: night}}}}
	known := n.recall(t.Context(), failed)
	assert.Equal(t, memory{Failing: true, Since: night}, known)
	n.told.State = filepath.Join(state, n.memoryName(), "inside")
	n.remember(t.Context(), []config.NotifyEvent{config.NotifyFailure}, memory{})

	// Who does not ask for recoveries leaves nothing in the state.
	n = New(config.Told{State: filepath.Join(state, "other"), Targets: []config.NotifyConfig{webhookOf(config.NotifyFailure), {PingEnv: "X"}}}, "run", discard)
	n.remember(t.Context(), []config.NotifyEvent{config.NotifyFailure}, n.recall(t.Context(), failed))
	assert.NoFileExists(t, filepath.Join(state, "other", n.memoryName()))
}

// What only fills the lake, and fails and recovers, does not say that runs did.
func TestMemoryOfIngests(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	of := func(command string) *Notifier {
		return New(config.Told{State: state, Targets: []config.NotifyConfig{webhookOf(config.NotifyRecovered)}}, command, discard)
	}
	failed := []config.NotifyEvent{config.NotifyFailure}
	of("run").remember(t.Context(), failed, memory{})
	assert.False(t, of(commandIngest).recall(t.Context(), Outcome{}).Failing)
	of(commandIngest).remember(t.Context(), failed, memory{})
	assert.True(t, of(commandIngest).recall(t.Context(), Outcome{}).Failing)
	of(commandIngest).remember(t.Context(), []config.NotifyEvent{config.NotifySuccess}, memory{Failing: true})
	assert.False(t, of(commandIngest).recall(t.Context(), Outcome{}).Failing)
	assert.True(t, of("publish").recall(t.Context(), Outcome{}).Failing)
}

// old is a history of which the last run was long ago.
func old(status report.Status) []report.RunSummary {
	return []report.RunSummary{{Status: status, Started: time.Now().Add(-time.Hour)}}
}

var discard = slog.New(slog.DiscardHandler)

func webhookOf(on ...config.NotifyEvent) config.NotifyConfig {
	return config.NotifyConfig{URLEnv: "HOOK", On: on}
}
