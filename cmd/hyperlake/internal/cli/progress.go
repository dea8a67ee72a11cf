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
// lines now and then, also of work that tells nothing more. Its methods are safe for concurrent use.
type meter struct {
	log     *slog.Logger
	display *display     // nil where nothing is drawn
	say     func(string) // to people who have a terminal on which nothing can be drawn; else nil

	mu     sync.Mutex
	status status
	logged time.Time
	stop   func()
}

func (a *app) newMeter() *meter {
	m := &meter{log: a.log, logged: time.Now()}
	switch {
	case !a.forPeople || a.flags.quiet:
	case obeysSequences():
		m.display = a.display
		m.display.show(m.line)
		m.stop = m.display.hide
		return m
	default:
		m.say = func(text string) { a.say("%s", text) }
	}
	m.stop = every(tellEvery, m.remind)
	return m
}

// every does something again and again, until it is told to stop, which waits for the last time.
func every(span time.Duration, do func(now time.Time)) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(span)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				do(now)
			case <-done:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		<-ended
	})
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
	if m.display == nil {
		m.write(now)
	}
}

// remind writes the latest state again, if there is one, once it is time.
func (m *meter) remind(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.status.at.IsZero() {
		m.write(now)
	}
}

// write writes a line, unless the last one is not long ago.
func (m *meter) write(now time.Time) {
	pause := logProgressEvery
	if m.say != nil {
		pause = sayProgressEvery
	}
	if now.Sub(m.logged) < pause {
		return
	}
	m.logged = now
	p := m.status.latest
	p.Elapsed += now.Sub(m.status.at)
	if m.say != nil {
		m.say(m.status.text(now, plainWidth))
		return
	}
	m.log.Info("progress", progressFields(p)...)
}

// plainWidth is that of lines that are printed for people, whatever their terminal is.
const plainWidth = 80

// progressFields are those of a log line that says how far work is.
func progressFields(p report.Progress) []any {
	fields := []any{"stage", p.Stage}
	add := func(isKnown bool, more ...any) {
		if isKnown {
			fields = append(fields, more...)
		}
	}
	seconds := p.Elapsed.Seconds()
	add(p.Detail != "", "doing", p.Detail)
	switch {
	case p.TotalBytes > 0:
		add(true, "bytes", p.Bytes, "bytes_total", p.TotalBytes, "percent", 100*p.Bytes/p.TotalBytes)
		if rate := float64(p.Bytes) / seconds; rate > 0 && seconds > 0 {
			remaining := time.Duration(float64(p.TotalBytes-p.Bytes) / rate * float64(time.Second))
			add(true, "bytes_per_second", int64(rate), "remaining", remaining.Round(time.Second))
		}
	case p.Uncounted:
		add(p.TotalRows > 0, "rows_total", p.TotalRows)
		add(true, "seconds", int64(seconds))
		add(p.TotalRows > 0, "counted", false)
		add(p.Written > 0, "bytes_written", p.Written)
	default:
		add(true, "rows", p.Rows, "rows_total", p.TotalRows)
		if p.TotalRows > 0 {
			add(true, "percent", 100*p.Rows/p.TotalRows)
		}
		add(p.Written > 0, "bytes_written", p.Written)
		if seconds > 0 {
			add(true, "rows_per_second", int64(float64(p.Rows)/seconds))
		}
	}
	return fields
}

// close takes the line off the terminal, and ends the others. It may be called again.
func (m *meter) close() { m.stop() }

// tellEvery is how often work is looked at that tells nothing by itself.
const tellEvery = time.Second

// during shows that work goes on that tells nothing by itself but how large a file has grown, of which the
// path may be empty.
func during[T any](a *app, stage, file string, work func() (T, error)) (T, error) {
	m, started := a.newMeter(), time.Now()
	defer m.close()
	tell := func(now time.Time) {
		p := report.Progress{Stage: stage, Uncounted: true, Elapsed: now.Sub(started)}
		if stat, err := os.Stat(file); err == nil {
			p.Written = stat.Size()
		}
		m.show(p)
	}
	tell(started)
	defer every(tellEvery, tell)()
	return work()
}
