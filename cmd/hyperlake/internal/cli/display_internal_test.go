package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
)

// monitor is what somebody sees of a terminal, which may be made narrower.
type monitor struct {
	*vt.Emulator
	mu *sync.Mutex
}

func newMonitor(width, height int) monitor {
	return monitor{vt.NewEmulator(width, height), &sync.Mutex{}}
}

// Write takes what a program prints: a terminal goes to the beginning of the next line.
func (m monitor) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.Emulator.Write([]byte(strings.ReplaceAll(string(p), "\n", "\r\n")))
	return len(p), err
}

// WriteString takes what is drawn.
func (m monitor) WriteString(text string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Emulator.WriteString(text)
}

// Width is that of the terminal, in cells.
func (m monitor) Width() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Emulator.Width()
}

// lines are those that are not empty.
func (m monitor) lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	for y := range m.Height() {
		var line strings.Builder
		for x := range m.Emulator.Width() {
			if cell := m.CellAt(x, y); cell == nil {
				line.WriteString(" ")
			} else {
				line.WriteString(cell.Content)
			}
		}
		if text := strings.TrimRight(line.String(), " "); text != "" {
			lines = append(lines, text)
		}
	}
	return lines
}

// Messages stand whole above the line, which is drawn again below the last of them, and goes away in the end.
func TestMessagesAndTheLineNeverCollide(t *testing.T) {
	t.Parallel()
	for _, size := range []struct{ width, height int }{{80, 24}, {40, 10}} {
		m := newMonitor(size.width, size.height)
		d := newDisplay(m, m.Width)
		d.show(func(time.Time, int) string { return "load  " + strings.Repeat("▒", 200) })
		line := "load  " + strings.Repeat("▒", size.width-spareCells-7) + "…"
		require.Eventually(t, func() bool { return len(m.lines()) > 0 }, time.Minute, time.Millisecond)
		assert.Equal(t, []string{line}, m.lines())

		var want []string
		for i := range 5 {
			_, err := fmt.Fprintf(d, "message %d\n", i)
			require.NoError(t, err)
			want = append(want, fmt.Sprintf("message %d", i))
			assert.Equal(t, append(want[:len(want):len(want)], line), m.lines(), "below it is drawn at once")
		}
		_, err := io.WriteString(d, "half of ")
		require.NoError(t, err)
		assert.Equal(t, append(want[:len(want):len(want)], "half of"), m.lines(), "the line waits for the end of another")
		_, err = io.WriteString(d, "a message\n")
		require.NoError(t, err)
		want = append(want, "half of a message")
		assert.Equal(t, append(want[:len(want):len(want)], line), m.lines())
		d.hide()
		assert.Equal(t, want, m.lines())
		for i := range 50 {
			_, err := fmt.Fprintf(d, "more %d\n", i)
			require.NoError(t, err)
		}
		assert.Len(t, m.lines(), size.height-1)
		assert.Equal(t, "more 49", m.lines()[size.height-2])
	}
}

// Work that is done at once draws nothing.
func TestShortWorkDrawsNothing(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	d := &display{out: &out, width: func() int { return 80 }, since: time.Now(), line: func(time.Time, int) string { return "load" }}
	d.draw(d.since.Add(firstDraw - time.Millisecond))
	assert.Empty(t, out.String())
	d.draw(d.since.Add(firstDraw))
	assert.Equal(t, "load", out.String())
	d.draw(d.since.Add(time.Minute))
	assert.Equal(t, "load", out.String(), "what stands there is not drawn again")
}

func TestStatusIsWhatThereIsRoomFor(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	var s status
	for second := range 31 {
		s.take(began.Add(time.Duration(second)*time.Second), report.Progress{
			Stage: "load", Rows: int64(second) * 100_000, TotalRows: 60_000_000, Written: int64(second) * 5_000_000, Elapsed: time.Duration(second) * time.Second,
		})
	}
	now := began.Add(31500 * time.Millisecond)
	for width, want := range map[int]string{
		200: "load  ░░░░░░░░░░░░  5 %  3,000,000 of 60,000,000 rows  100 k rows/s  5.0 MB/s  about 10 min left  0:31",
		80:  "load  5 %  3,000,000 of 60,000,000 rows  100 k rows/s  about 10 min left  0:31",
		36:  "load  5 %  0:31",
		5:   "…  0:31",
	} {
		assert.Equal(t, want, s.text(now, width), width)
	}
}

// What is not known is not said.
func TestStatusSaysNothingThatNobodyKnows(t *testing.T) {
	t.Parallel()
	began := time.Now()
	for want, p := range map[string]report.Progress{
		"check  15,000 rows  0:07":                     {Stage: "check", TotalRows: 15_000, Uncounted: true, Elapsed: 7 * time.Second},
		"load  8.4 GB written  1:00:05":                {Stage: "load", TotalRows: 15, Written: 8_400_000_000, Uncounted: true, Elapsed: time.Hour + 5*time.Second},
		"load: merge  0:00":                            {Stage: "load", Detail: "merge", Uncounted: true},
		"publish: waits for job 7 of the server  0:00": {Stage: "publish", Detail: "waits for job 7 of the server", Uncounted: true},
		`publish: waits for \x1b[2J  0:00`:             {Stage: "publish", Detail: "waits for \x1b[2J", Uncounted: true},
		"publish: upload  ████████████  99 %  100 MB of 100 MB  0:09": {Stage: "publish", Detail: "upload", Bytes: 100_000_000, TotalBytes: 100_000_000, Elapsed: 9 * time.Second},
		"load  ████████████  99 %  15 of 15 rows  0:00":               {Stage: "load", Rows: 17, TotalRows: 15}, // bundles that ran twice
		"load  ░░░░░░░░░░░░  0 %  0 of 15 rows  0:00":                 {Stage: "load", TotalRows: 15},
	} {
		var s status
		s.take(began, p)
		assert.Equal(t, want, s.text(began, 80))
	}
}

func TestNothingIsSaidOfTheFutureUntilTheRateIsSteady(t *testing.T) {
	t.Parallel()
	began := time.Now()
	// remaining says what is said after each second of what was seen in it.
	remaining := func(perSecond ...int64) (said []string) {
		var s status
		var n int64
		for second, more := range perSecond {
			n += more
			now := began.Add(time.Duration(second) * time.Second)
			s.take(now, report.Progress{Stage: "publish", Bytes: n, TotalBytes: 1000})
			said = append(said, roughly(s.remaining(now)))
		}
		return said
	}
	steady := remaining(10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10)
	assert.Equal(t, make([]string, 10), steady[:10])
	assert.Equal(t, []string{"about 90 s left", "about 90 s left", "about 90 s left", "about 90 s left", "about 90 s left"}, steady[10:])
	for _, said := range [][]string{
		remaining(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),                     // it stands
		remaining(10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 0, 0, 0),         // in one go
		remaining(50, 40, 30, 20, 10, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1),    // slower and slower
		remaining(100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 0, 0), // all is sent
	} {
		assert.Equal(t, make([]string, len(said)), said)
	}
	again := remaining(10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, -115, 10, 10)
	assert.Equal(t, []string{"", "", ""}, again[12:], "the count began anew")
}

// The time that is said runs down; a little better or worse does not make it jump.
func TestTheTimeThatRemainsDoesNotJump(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var c countdown
	assert.Equal(t, 100*time.Second, c.until(now, 1000, 10))
	assert.Equal(t, 99*time.Second, c.until(now.Add(time.Second), 1000, 9))
	assert.Equal(t, 98*time.Second, c.until(now.Add(2*time.Second), 1000, 11))
	assert.Equal(t, 200*time.Second, c.until(now.Add(3*time.Second), 1000, 5), "half as fast")
	assert.Zero(t, c.until(now.Add(4*time.Second), 1000, 0))
	assert.Zero(t, c.until(now.Add(5*time.Second), 0, 5))
	for left, want := range map[time.Duration]string{
		-time.Second: "", 0: "", time.Second: "a few seconds left", 44 * time.Second: "about 40 s left",
		10 * time.Minute: "about 10 min left", 5 * time.Hour: "about 5 h left",
	} {
		assert.Equal(t, want, roughly(left))
	}
}
