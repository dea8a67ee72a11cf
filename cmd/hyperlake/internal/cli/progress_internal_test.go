package cli

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
)

// A file that is being sent has its bytes, their rate, and the time that remains in the log.
func TestProgressOfAFileThatIsSent(t *testing.T) {
	t.Parallel()
	halfway := report.Progress{Stage: "publish", Bytes: 40_000_000, TotalBytes: 100_000_000, Elapsed: 4 * time.Second}
	var written bytes.Buffer
	m := &meter{log: slog.New(slog.NewTextHandler(&written, nil))}
	m.show(halfway)
	m.show(halfway) // too soon
	assert.Regexp(t, `^time=\S+ level=INFO msg=progress stage=publish bytes=40000000 bytes_total=100000000 percent=40 bytes_per_second=10000000 remaining=6s\n$`, written.String())
}

// Where rows are not counted yet, nothing is said of how many there are.
func TestProgressWithoutCounts(t *testing.T) {
	t.Parallel()
	var written bytes.Buffer
	m := &meter{log: slog.New(slog.NewTextHandler(&written, nil))}
	m.show(report.Progress{Stage: "load", TotalRows: 100, Elapsed: 7 * time.Second, Uncounted: true})
	assert.Contains(t, written.String(), `stage=load rows_total=100 seconds=7 counted=false`)
	assert.NotContains(t, written.String(), "percent")

	written.Reset()
	m.logged = time.Time{}
	m.show(report.Progress{Stage: "read the extract", Elapsed: 7 * time.Second, Uncounted: true})
	assert.Regexp(t, `stage="read the extract" seconds=7\n$`, written.String())
}

// Where nothing is drawn, work that tells nothing more is told of again and again, for as long as it goes on.
func TestLongWorkIsNeverSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var written, said bytes.Buffer
		a := &app{stderr: &said, log: slog.New(slog.NewTextHandler(&written, nil))}
		m := a.newMeter()
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Empty(t, written.String(), "nothing has begun")
		m.show(report.Progress{Stage: "patch", Uncounted: true, Written: 7, TotalRows: 100})
		m.mu.Lock() // who writes has it
		written.Reset()
		m.mu.Unlock()
		time.Sleep(10500 * time.Millisecond)
		m.close()
		m.close() // as a query of several results does
		time.Sleep(time.Minute)
		assert.Regexp(t, `^time=\S+ level=INFO msg=progress stage=patch rows_total=100 seconds=5 counted=false bytes_written=7
time=\S+ level=INFO msg=progress stage=patch rows_total=100 seconds=10 counted=false bytes_written=7
$`, written.String())

		_, err := during(a, "defrag", "", func() (none struct{}, err error) {
			time.Sleep(6 * time.Second)
			return none, nil
		})
		require.NoError(t, err)
		assert.Regexp(t, `stage=defrag seconds=5\n$`, written.String())
		assert.Empty(t, said.String())

		m = &meter{say: func(text string) { said.WriteString(text + "\n") }, logged: time.Now()}
		m.show(report.Progress{Stage: "move", Detail: "upload", Bytes: 40_000_000, TotalBytes: 100_000_000})
		time.Sleep(sayProgressEvery)
		m.remind(time.Now())
		assert.Equal(t, "move: upload  ████░░░░░░░░  40 %  40 MB of 100 MB  0:10\n", said.String())
	})
}

func TestJobsAreNamedAfterTheirConfiguration(t *testing.T) {
	t.Parallel()
	const id = "20260102T030405Z-abcdef12"
	for configuration, name := range map[string]string{
		"lineitem":               "hyperlake-lineitem-" + id,
		"Übung: sales & returns": "hyperlake-bung-sales-returns-" + id,
		"日本":                     "hyperlake-" + id,
		strings.Repeat("a", 100): "hyperlake-" + strings.Repeat("a", 40) + "-" + id,
	} {
		assert.Equal(t, name, jobName(configuration, id))
	}
}
