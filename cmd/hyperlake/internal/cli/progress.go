package cli

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"

	"hyperlake/pipelines/report"
)

const logProgressEvery = 5 * time.Second

// meter shows how far a run is: a line that is drawn over and over on a terminal, or log
// lines now and then. Its methods must not be called at the same time.
type meter struct {
	log      *slog.Logger
	bar      *progressbar.ProgressBar // nil without a terminal
	terminal io.Writer
	label    string // of the bar
	logged   time.Time
}

func (a *app) newMeter() *meter {
	m := &meter{log: a.log, logged: time.Now()}
	if a.terminal != nil && !a.flags.quiet && a.flags.logFormat == formatText {
		m.terminal, m.bar = a.terminal, newBar(a.terminal)
	}
	return m
}

// newBar counts rows; how many there are may become known later.
func newBar(terminal io.Writer) *progressbar.ProgressBar {
	return progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(terminal),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("rows"),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

// show takes the latest state.
func (m *meter) show(p report.Progress) {
	if p.TotalBytes > 0 {
		m.showBytes(p)
		return
	}
	if m.bar != nil {
		label := p.Stage
		if p.Written > 0 {
			label = fmt.Sprintf("%s, %s written", p.Stage, humanize.Bytes(uint64(p.Written)))
		}
		if label != m.label {
			m.label = label
			m.bar.Describe(printable(label, ""))
		}
		if p.TotalRows > 0 && m.bar.GetMax64() != p.TotalRows {
			m.bar.ChangeMax64(p.TotalRows)
		}
		_ = m.bar.Set64(min(p.Rows, max(p.TotalRows-1, 0))) // the bar ends with close, not before
		return
	}
	if time.Since(m.logged) < logProgressEvery {
		return
	}
	m.logged = time.Now()
	if p.Uncounted && p.TotalRows == 0 {
		m.log.Info("progress", "stage", p.Stage, "seconds", int64(p.Elapsed.Seconds()))
		return
	}
	if p.Uncounted {
		m.log.Info("progress", "stage", p.Stage, "rows_total", p.TotalRows, "seconds", int64(p.Elapsed.Seconds()), "counted", false)
		return
	}
	attrs := []any{"stage", p.Stage, "rows", p.Rows, "rows_total", p.TotalRows}
	if p.TotalRows > 0 {
		attrs = append(attrs, "percent", 100*p.Rows/p.TotalRows)
	}
	if p.Written > 0 {
		attrs = append(attrs, "bytes_written", p.Written)
	}
	if seconds := p.Elapsed.Seconds(); seconds > 0 {
		attrs = append(attrs, "rows_per_second", int64(float64(p.Rows)/seconds))
	}
	m.log.Info("progress", attrs...)
}

// showBytes takes the state of a file that is being sent.
func (m *meter) showBytes(p report.Progress) {
	if m.bar != nil {
		if p.Stage != m.label || m.bar.GetMax64() != p.TotalBytes { // another file
			m.label = p.Stage
			_ = m.bar.Finish() // which clears it, and ends what draws it by itself
			m.bar = progressbar.NewOptions64(p.TotalBytes,
				progressbar.OptionSetWriter(m.terminal),
				progressbar.OptionSetDescription(printable(p.Stage, "")),
				progressbar.OptionShowBytes(true), // with the rate, and the remaining time
				progressbar.OptionShowCount(),
				progressbar.OptionSetWidth(20),
				progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionClearOnFinish(),
			)
		}
		_ = m.bar.Set64(min(p.Bytes, p.TotalBytes-1))
		return
	}
	if time.Since(m.logged) < logProgressEvery {
		return
	}
	m.logged = time.Now()
	attrs := []any{"stage", p.Stage, "bytes", p.Bytes, "bytes_total", p.TotalBytes, "percent", 100 * p.Bytes / p.TotalBytes}
	if rate := float64(p.Bytes) / p.Elapsed.Seconds(); rate > 0 && p.Elapsed > 0 {
		remaining := time.Duration(float64(p.TotalBytes-p.Bytes) / rate * float64(time.Second))
		attrs = append(attrs, "bytes_per_second", int64(rate), "remaining", remaining.Round(time.Second))
	}
	m.log.Info("progress", attrs...)
}

// close removes the progress line from the terminal.
func (m *meter) close() {
	if m.bar != nil {
		_ = m.bar.Finish() // which clears it, and ends what draws it by itself
	}
}
