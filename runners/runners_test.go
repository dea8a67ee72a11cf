package runners_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/runners"
	"hyperlake/runners/engine"
)

func TestMain(m *testing.M) {
	scratch, err := os.MkdirTemp("", "hl")
	if err != nil {
		os.Exit(1)
	}
	_ = os.Setenv("TMPDIR", scratch) // Beam leaves files behind
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

func init() {
	beam.RegisterDoFn(&workFn{})
	beam.RegisterDoFn(&drainFn{})
}

// workFn counts, waits and fails as it is told.
type workFn struct {
	Rows    int
	Millis  int
	Failure bool
}

var rows = beam.NewCounter("hyperlake", "rows_read")

func (fn *workFn) ProcessElement(ctx context.Context, _ []byte, emit func(int, int)) error {
	for i := range fn.Rows {
		rows.Inc(ctx, 1)
		emit(0, i)
		time.Sleep(time.Duration(fn.Millis) * time.Millisecond)
	}
	if fn.Failure {
		return failure.Encode(failure.New(failure.Data, "row 7 is \"odd\"").WithHint("mend it"), failure.Engine)
	}
	return nil
}

type drainFn struct{}

func (*drainFn) ProcessElement(_ int, values func(*int) bool) {
	for value := 0; values(&value); {
	}
}

// jobName is a name that no other job of the process has.
func jobName() string { return fmt.Sprintf("test-%d", time.Now().UnixNano()) }

func work(fn workFn) func(beam.Scope) {
	return func(s beam.Scope) {
		beam.ParDo0(s, &drainFn{}, beam.GroupByKey(s, beam.ParDo(s, &fn, beam.Impulse(s))))
	}
}

func TestUnknownRunner(t *testing.T) {
	_, err := runners.New(runners.Options{Name: "spark"})
	var failed *failure.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, failure.Usage, failed.Kind)
	assert.Contains(t, failed.Hint, "direct")
}

func TestBeamFlagsAreChecked(t *testing.T) {
	_, err := runners.New(runners.Options{Name: "direct", Args: []string{"--no_such_flag=1"}})
	require.ErrorContains(t, err, "no_such_flag")
	_, err = runners.New(runners.Options{Name: "direct", Args: []string{"word"}})
	require.ErrorContains(t, err, `"word" is not a flag`)
}

func TestPrismIsTheDirectRunner(t *testing.T) {
	runner, err := runners.New(runners.Options{Name: "prism", JobName: jobName()})
	require.NoError(t, err)
	assert.Equal(t, "direct", runner.Name())
	assert.False(t, runner.Remote())
}

// Only a job service starts workers that are other processes, and this process is none.
func TestWorkersElsewhereNeedAJobService(t *testing.T) {
	before := *jobopts.EnvironmentType
	t.Cleanup(func() { *jobopts.EnvironmentType = before })
	_, err := runners.New(runners.Options{Name: "direct", Args: []string{"--environment_type=PROCESS"}})
	var failed *failure.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, failure.Usage, failed.Kind)
	assert.Contains(t, failed.Hint, "--endpoint")
}

func TestRunReportsCountersWhileItRuns(t *testing.T) {
	runner, err := runners.New(runners.Options{Name: "direct", JobName: jobName()})
	require.NoError(t, err)
	var during atomic.Int64
	err = runner.Run(t.Context(), engine.Job{Build: work(workFn{Rows: 150, Millis: 10}), Progress: func(counts map[string]int64) {
		if n := counts["rows_read"]; n > 0 && n < 150 {
			during.Add(1)
		}
	}})
	require.NoError(t, err)
	assert.Positive(t, during.Load())
}

func TestAFailureOfADoFnArrivesWhole(t *testing.T) {
	runner, err := runners.New(runners.Options{Name: "direct", JobName: jobName()})
	require.NoError(t, err)
	err = runner.Run(t.Context(), engine.Job{Build: work(workFn{Rows: 1, Failure: true})})
	var failed *failure.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, failure.Data, failed.Kind)
	assert.Equal(t, `row 7 is "odd"`, failed.Message)
	assert.Equal(t, "mend it", failed.Hint)
}

func TestCancellingReturnsAtOnce(t *testing.T) {
	runner, err := runners.New(runners.Options{Name: "direct", JobName: jobName()})
	require.NoError(t, err)
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(300*time.Millisecond, func() { cancel(stop) })
	started := time.Now()
	err = runner.Run(ctx, engine.Job{Build: work(workFn{Rows: 10_000, Millis: 20})})
	require.ErrorIs(t, err, stop)
	assert.Less(t, time.Since(started), time.Minute)
}
