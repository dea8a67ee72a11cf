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

// ticks divides a line into at most four steps of a round length.
func ticks(seconds float64) []Tick {
	if !(seconds > 0) || math.IsInf(seconds, 0) {
		return nil
	}
	step := roundStep(seconds / 4)
	var marks []Tick
	for i := 0.0; i*step <= seconds; i++ {
		marks = append(marks, Tick{Left: percentOf(i*step, seconds), Seconds: i * step})
	}
	return marks
}

// roundSteps are what divides minutes, hours and days well, in seconds.
var roundSteps = []float64{15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 172800}

// roundStep is the least round number that is not below seconds: 1, 2 or 5 times a power
// of ten where no unit of time is near.
func roundStep(seconds float64) float64 {
	for _, step := range roundSteps {
		if seconds > 10 && seconds <= step {
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
