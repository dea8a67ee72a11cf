package cli

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
)

// terminal is what was drawn; some bars draw by themselves.
type terminal struct {
	mu    sync.Mutex
	drawn bytes.Buffer
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.drawn.Write(p)
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.drawn.String()
}

// A file that is being sent shows its bytes, their rate, and the time that remains.
func TestProgressOfAFileThatIsSent(t *testing.T) {
	t.Parallel()
	halfway := report.Progress{Stage: "publish", Bytes: 40_000_000, TotalBytes: 100_000_000, Elapsed: 4 * time.Second}
	t.Run("in the log", func(t *testing.T) {
		t.Parallel()
		var written bytes.Buffer
		m := &meter{log: slog.New(slog.NewTextHandler(&written, nil))}
		m.show(halfway)
		m.show(halfway) // too soon
		assert.Regexp(t, `^time=\S+ level=INFO msg=progress stage=publish bytes=40000000 bytes_total=100000000 percent=40 bytes_per_second=10000000 remaining=6s\n$`, written.String())
	})
	t.Run("on a terminal", func(t *testing.T) {
		t.Parallel()
		written := &terminal{}
		m := &meter{log: slog.New(slog.DiscardHandler), terminal: written, bar: newBar(written)}
		ofRows := m.bar
		m.show(report.Progress{Stage: "publish"}) // how long it takes is not known yet
		m.show(report.Progress{Stage: "publish", Bytes: 1, TotalBytes: 100_000_000, Elapsed: time.Millisecond})
		drawn := regexp.MustCompile(`publish\s+40% .+\(40/100 MB, [0-9.]+ [kMGT]B/s\) \[\d+s:\d+s\]`)
		require.Eventually(t, func() bool { // it is not drawn every time
			m.show(halfway)
			return drawn.MatchString(written.String())
		}, 10*time.Second, 10*time.Millisecond)
		m.close()
		assert.Regexp(t, ` +\r$`, written.String(), "a line stays")
		assert.True(t, ofRows.IsFinished() && m.bar.IsFinished(), "something draws on")
	})
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
