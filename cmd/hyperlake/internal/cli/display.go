package cli

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

const (
	drawEvery = 100 * time.Millisecond

	// firstDraw is how long work takes of which a terminal says nothing.
	firstDraw = 300 * time.Millisecond

	// spareCells stay free at the end of a line that is drawn: the ^C of who interrupts appears there.
	spareCells = 4
)

// display owns a terminal: one goroutine prints messages there, and below the last of them a line that says what goes on,
// as long as something does. It is safe for concurrent use.
type display struct {
	out   io.Writer
	width func() int // of the terminal, in cells
	do    chan func()

	// Of the goroutine alone:
	line   func(now time.Time, width int) string // nil for none
	since  time.Time                             // that there is one
	drawn  string                                // what stands in the last line of the terminal
	middle bool                                  // the last message has not ended its line
}

// newDisplay owns a terminal until the process ends.
func newDisplay(out io.Writer, width func() int) *display {
	d := &display{out: out, width: width, do: make(chan func())}
	go d.serve()
	return d
}

func (d *display) serve() {
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		select {
		case do := <-d.do:
			do()
		case now := <-tick.C:
			d.draw(now)
		}
	}
}

// wait has the goroutine do something, and returns when it is done.
func (d *display) wait(do func()) {
	done := make(chan struct{})
	d.do <- func() {
		defer close(done)
		do()
	}
	<-done
}

// Write prints a message above the line. It may hold the sequences of colours and nothing else that a terminal obeys.
func (d *display) Write(p []byte) (n int, err error) {
	d.wait(func() {
		d.erase()
		n, err = d.out.Write(p)
		if len(p) > 0 {
			d.middle = !bytes.HasSuffix(p, []byte("\n"))
		}
		d.draw(time.Now())
	})
	return n, err
}

// show draws a line over and over. It is asked for again each time, for so many cells, by the goroutine of the display.
func (d *display) show(line func(now time.Time, width int) string) {
	d.wait(func() { d.line, d.since = line, time.Now() })
}

// hide takes the line away.
func (d *display) hide() {
	d.wait(func() {
		d.line = nil
		d.erase()
	})
}

// draw brings the line up to date. Errors are those of a terminal that is gone: nobody is left to tell.
func (d *display) draw(now time.Time) {
	width := d.width() - spareCells
	if d.line == nil || d.middle || width <= 0 || now.Sub(d.since) < firstDraw {
		return
	}
	line := ansi.Truncate(d.line(now, width), width, "…")
	if line == d.drawn {
		return
	}
	var b strings.Builder
	if d.drawn != "" {
		b.WriteString("\r" + ansi.EraseLineRight)
	}
	b.WriteString(line)
	_, _ = io.WriteString(d.out, b.String())
	d.drawn = line
}

func (d *display) erase() {
	if d.drawn != "" {
		_, _ = io.WriteString(d.out, "\r"+ansi.EraseLineRight)
		d.drawn = ""
	}
}
