package htmlreport

import "math"

// Timeline shows when each stage ran, one after the other, on a line as long as the run.
type Timeline struct {
	Bars  []StageBar
	Ticks []Tick
}

// StageBar is a stage on the line.
type StageBar struct {
	Stage
	Bar
}

// Tick is a mark on the line.
type Tick struct {
	Left    float64 // percent
	Seconds float64
}

// Timeline lays the stages out.
func (r *Report) Timeline() Timeline {
	var sum float64
	for _, stage := range r.Stages {
		sum += stage.Seconds
	}
	whole := max(sum, r.Seconds())
	line := Timeline{Ticks: ticks(whole)}
	var before float64
	for _, stage := range r.Stages {
		line.Bars = append(line.Bars, StageBar{stage, Bar{percentOf(before, whole), percentOf(stage.Seconds, whole)}})
		before += stage.Seconds
	}
	return line
}

// ticks divides a line into at most five steps of a round length.
func ticks(seconds float64) []Tick {
	if !(seconds > 0) || math.IsInf(seconds, 0) {
		return nil
	}
	step := roundStep(seconds / 5)
	var marks []Tick
	for i := 0.0; i*step <= seconds; i++ {
		marks = append(marks, Tick{Left: percentOf(i*step, seconds), Seconds: i * step})
	}
	return marks
}

// roundStep is the least round number that is not below seconds: 1, 2 or 5 times a power
// of ten, and above a minute what divides hours and days well.
func roundStep(seconds float64) float64 {
	const minute, hour = 60.0, 3600.0
	for _, step := range []float64{minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 6 * hour, 12 * hour} {
		if seconds > 30 && seconds <= step {
			return step
		}
	}
	unit := math.Pow(10, math.Floor(math.Log10(seconds)))
	for _, times := range []float64{1, 2, 5} {
		if seconds <= times*unit {
			return times * unit
		}
	}
	return 10 * unit
}
