package cli

import (
	"fmt"
	"time"
)

const (
	paceWindow = 20 * time.Second // what counts for a rate
	paceStep   = 500 * time.Millisecond
	paceLeast  = 2 * time.Second  // below that, there is no rate
	paceSteady = 10 * time.Second // below that, nothing is said of the future
)

// pace is how fast something grows: over the last seconds, not since it began.
type pace struct{ seen []sighting }

type sighting struct {
	at time.Time
	n  int64
}

// note takes how much there is. What is less than before begins anew, as what is sent a second time does.
func (p *pace) note(at time.Time, n int64) {
	if last := len(p.seen) - 1; last >= 0 {
		switch {
		case n < p.seen[last].n:
			p.seen = p.seen[:0]
		case at.Sub(p.seen[last].at) < paceStep:
			return
		}
	}
	p.seen = append(p.seen, sighting{at, n})
	for len(p.seen) > 2 && at.Sub(p.seen[1].at) >= paceWindow {
		p.seen = p.seen[1:]
	}
}

// rate is how much is added in a second; 0 if it is not known.
func (p *pace) rate() float64 {
	if len(p.seen) < 2 {
		return 0
	}
	return between(p.seen[0], p.seen[len(p.seen)-1], paceLeast)
}

// between is the rate between two sightings that are at least so far apart; else 0.
func between(a, b sighting, least time.Duration) float64 {
	if took := b.at.Sub(a.at); took >= least {
		return float64(b.n-a.n) / took.Seconds()
	}
	return 0
}

// steadyRate is the rate, where both halves of what was seen agree on it to a third; else 0.
func (p *pace) steadyRate() float64 {
	if len(p.seen) < 3 {
		return 0
	}
	first, last := p.seen[0], p.seen[len(p.seen)-1]
	whole := between(first, last, paceSteady)
	half := first.at.Add(last.at.Sub(first.at) / 2)
	middle := last
	for _, s := range p.seen {
		if !s.at.Before(half) {
			middle = s
			break
		}
	}
	for _, part := range []float64{between(first, middle, paceLeast), between(middle, last, paceLeast)} {
		if part < whole*2/3 || part > whole*4/3 {
			return 0
		}
	}
	return whole
}

// countdown is the time that remains, as it is said: it does not jump with every estimate.
type countdown struct{ end time.Time } // zero: nothing is said

// until is the time that remains for what is left at a rate; 0 where nothing honest can be said.
func (c *countdown) until(now time.Time, left int64, rate float64) time.Duration {
	if rate <= 0 || left <= 0 {
		c.end = time.Time{}
		return 0
	}
	estimate := time.Duration(float64(left) / rate * float64(time.Second))
	said := c.end.Sub(now)
	if c.end.IsZero() || said <= 0 || estimate < said*3/4 || estimate > said*5/4 {
		c.end = now.Add(estimate)
	}
	return c.end.Sub(now)
}

// roughly is a time that remains in words, no more exact than anybody knows it; empty for none.
func roughly(left time.Duration) string {
	switch {
	case left <= 0:
		return ""
	case left < 10*time.Second:
		return "a few seconds left"
	case left < 2*time.Minute:
		return fmt.Sprintf("about %d s left", int(left.Round(10*time.Second).Seconds()))
	case left < 2*time.Hour:
		return fmt.Sprintf("about %d min left", int(left.Round(time.Minute).Minutes()))
	}
	return fmt.Sprintf("about %d h left", int(left.Round(time.Hour).Hours()))
}
