package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"

	"hyperlake/internal/words"
	"hyperlake/pipelines/report"
)

// status is what a line says of work that goes on.
type status struct {
	latest report.Progress
	at     time.Time // that it was told

	rows, bytes pace
	left        countdown
}

// take takes the latest state.
func (s *status) take(now time.Time, p report.Progress) {
	last := s.latest
	if p.Stage != last.Stage || p.Uncounted != last.Uncounted || p.TotalBytes != last.TotalBytes || p.TotalRows != last.TotalRows {
		s.rows, s.bytes, s.left = pace{}, pace{}, countdown{}
	}
	s.latest, s.at = p, now
	if !p.Uncounted {
		s.rows.note(now, p.Rows)
	}
	s.bytes.note(now, max(p.Bytes, p.Written))
}

// statusPart is a part of a line. Of what there is no room for, the least goes first.
type statusPart struct {
	text string
	rank int // 0 is never left out
}

const (
	bothMargins = 2 // between parts
	barCells    = 12
)

// text is the line, for so many cells.
func (s *status) text(now time.Time, width int) string {
	p := s.latest
	elapsed := p.Elapsed + now.Sub(s.at)
	name := p.Stage
	if p.Detail != "" {
		name += ": " + p.Detail
	}
	parts := []statusPart{{printable(name, ""), 0}}
	add := func(rank int, text string) {
		if text != "" {
			parts = append(parts, statusPart{text, rank})
		}
	}
	if done, total := s.share(); total > 0 {
		add(6, barText(done, total))
		add(1, fmt.Sprintf("%d %%", min(99, 100*done/total)))
	}
	add(2, s.amount())
	if rate := s.rows.rate(); rate > 0 {
		add(5, rowsText(int64(rate), "row")+"/s")
	}
	if rate := s.bytes.rate(); rate > 0 && s.tellsBytes() {
		add(5, humanize.Bytes(uint64(rate))+"/s")
	}
	add(4, roughly(s.remaining(now)))
	add(0, clockText(elapsed))
	return fitParts(parts, width)
}

// share is how much is done of what; 0 of 0 where that is not known.
func (s *status) share() (done, total int64) {
	switch p := s.latest; {
	case p.TotalBytes > 0:
		return min(p.Bytes, p.TotalBytes), p.TotalBytes
	case p.TotalRows > 0 && !p.Uncounted:
		return min(p.Rows, p.TotalRows), p.TotalRows
	}
	return 0, 0
}

// tellsBytes says whether bytes mean something. hyperd keeps small partials in memory until they are finished: a row takes a byte
// at least.
func (s *status) tellsBytes() bool {
	p := s.latest
	return p.TotalBytes > 0 || p.Uncounted || p.Written >= p.Rows
}

// amount says how much is done.
func (s *status) amount() string {
	switch p := s.latest; {
	case p.TotalBytes > 0:
		return humanize.Bytes(uint64(max(p.Bytes, 0))) + " of " + humanize.Bytes(uint64(p.TotalBytes))
	case !p.Uncounted && p.TotalRows > 0:
		return humanize.Comma(min(p.Rows, p.TotalRows)) + " of " + words.Count(p.TotalRows, "row")
	case !p.Uncounted && p.Rows > 0:
		return words.Count(p.Rows, "row")
	case p.Written > 0:
		return humanize.Bytes(uint64(p.Written)) + " written"
	case p.TotalRows > 0:
		return words.Count(p.TotalRows, "row")
	}
	return ""
}

// remaining is the time that remains in this stage; 0 where that is not known.
func (s *status) remaining(now time.Time) time.Duration {
	done, total := s.share()
	rate := s.rows.steadyRate()
	if s.latest.TotalBytes > 0 {
		rate = s.bytes.steadyRate()
	}
	return s.left.until(now, total-done, rate)
}

// rowsText is a rate in few cells: 950 rows, 12.3 k rows, 4.5 M rows.
func rowsText(n int64, noun string) string {
	switch {
	case n < 10_000:
		return words.Count(n, noun)
	case n < 1_000_000:
		return fmt.Sprintf("%.0f k %ss", float64(n)/1e3, noun)
	}
	return fmt.Sprintf("%.1f M %ss", float64(n)/1e6, noun)
}

// clockText is how long something takes already: 0:07, 1:02:03.
func clockText(d time.Duration) string {
	seconds := int64(max(d, 0).Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

// barText is a share as a picture.
func barText(done, total int64) string {
	full := int(min(done, total) * barCells / total)
	return strings.Repeat("█", full) + strings.Repeat("░", barCells-full)
}

// fitParts joins parts, without those for which there is no room, and with a shorter first one if that is not enough.
func fitParts(parts []statusPart, width int) string {
	for {
		texts, worst, cells := make([]string, len(parts)), 0, -bothMargins
		for i, part := range parts {
			texts[i] = part.text
			cells += ansi.StringWidth(part.text) + bothMargins
			if part.rank >= parts[worst].rank { // of equals the last
				worst = i
			}
		}
		if over := cells - width; over > 0 && parts[worst].rank == 0 {
			texts[0] = shorten(texts[0], max(1, ansi.StringWidth(texts[0])-over))
			cells = width
		}
		if cells <= width {
			return strings.Join(texts, strings.Repeat(" ", bothMargins))
		}
		parts = slices.Delete(parts, worst, worst+1)
	}
}
