package cli

import (
	"log/slog"
	"os"
	"sync"
	"time"

	"hyperlake/pipelines/report"
)

const (
	logProgressEvery = 5 * time.Second

	// sayProgressEvery is the same for people, where nothing can be drawn.
	sayProgressEvery = 10 * time.Second
)

// meter shows how far work is: a line that is drawn over and over on a terminal, or log
// lines now and then. Its methods are safe for concurrent use.
type meter struct {
	log     *slog.Logger
	display *display     // nil where nothing is drawn
	say     func(string) // to people who have a terminal on which nothing can be drawn; else nil

	mu     sync.Mutex
	status status
	logged time.Time
}

func (a *app) newMeter() *meter {
	m := &meter{log: a.log, logged: time.Now()}
	switch {
	case !a.forPeople || a.flags.quiet:
	case obeysSequences():
		m.display = a.display
		m.display.show(m.line)
	default:
		m.say = func(text string) { a.say("%s", text) }
	}
	return m
}

// line is what is drawn.
func (m *meter) line(now time.Time, width int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status.text(now, width)
}

// show takes the latest state.
func (m *meter) show(p report.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.status.take(now, p)
	every := logProgressEvery
	if m.say != nil {
		every = sayProgressEvery
	}
	if m.display != nil || now.Sub(m.logged) < every {
		return
	}
	m.logged = now
	switch {
	case m.say != nil:
		m.say(m.status.text(now, plainWidth))
	case p.TotalBytes > 0:
		m.logBytes(p)
	default:
		m.logRows(p)
	}
}

// plainWidth is that of lines that are printed for people, whatever their terminal is.
const plainWidth = 80

// logRows tells the log how far a run is.
func (m *meter) logRows(p report.Progress) {
	if p.Uncounted && p.TotalRows == 0 {
		attrs := []any{"stage", p.Stage, "seconds", int64(p.Elapsed.Seconds())}
		if p.Detail != "" {
			attrs = append(attrs, "doing", p.Detail)
		}
		m.log.Info("progress", attrs...)
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

// logBytes tells the log how much of a file was sent.
func (m *meter) logBytes(p report.Progress) {
	attrs := []any{"stage", p.Stage, "bytes", p.Bytes, "bytes_total", p.TotalBytes, "percent", 100 * p.Bytes / p.TotalBytes}
	if rate := float64(p.Bytes) / p.Elapsed.Seconds(); rate > 0 && p.Elapsed > 0 {
		remaining := time.Duration(float64(p.TotalBytes-p.Bytes) / rate * float64(time.Second))
		attrs = append(attrs, "bytes_per_second", int64(rate), "remaining", remaining.Round(time.Second))
	}
	m.log.Info("progress", attrs...)
}

// close takes the line off the terminal.
func (m *meter) close() {
	if m.display != nil {
		m.display.hide()
	}
}

// tellEvery is how often work is looked at that tells nothing by itself.
const tellEvery = time.Second

// during shows that work goes on that tells nothing by itself but how large a file has grown, of which the
// path may be empty.
func during[T any](a *app, stage, file string, work func() (T, error)) (T, error) {
	m := a.newMeter()
	defer m.close()
	started := time.Now()
	tell := func() {
		p := report.Progress{Stage: stage, Uncounted: true, Elapsed: time.Since(started)}
		if stat, err := os.Stat(file); err == nil {
			p.Written = stat.Size()
		}
		m.show(p)
	}
	tell()
	done := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() {
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell()
			case <-done:
				return
			}
		}
	})
	defer told.Wait()
	defer close(done)
	return work()
}
