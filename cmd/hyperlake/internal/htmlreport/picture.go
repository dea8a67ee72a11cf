package htmlreport

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"hyperlake/internal/words"
)

// shownRuns is how many runs the picture shows, besides that of the report.
const shownRuns = 30

// Runs are the last runs and that of the report, the newest last; none where it knows no others.
func (r *Report) Runs() []Run {
	if len(r.History) == 0 {
		return nil
	}
	earlier := r.History[max(len(r.History)-shownRuns, 0):]
	return append(slices.Clip(earlier), r.itself())
}

// Picture shows the rows of the extract after each of the last runs.
type Picture struct {
	Columns []PictureColumn
	Most    int64 // rows of the highest column
}

// Highest says how many rows the highest column stands for; empty if there are none.
func (p Picture) Highest() string {
	if p.Most == 0 {
		return ""
	}
	return words.Count(p.Most, "row")
}

// PictureColumn is one run in a picture, in units of its drawing.
type PictureColumn struct {
	Run
	Left, Top, Height int
	IsLast            bool // it is that of the report
}

// The measures of a picture.
const (
	pictureStep   = 20 // from one run to the next
	pictureHeight = 80 // of the highest column
	pictureWidth  = pictureStep * (shownRuns + 1)
)

// Picture draws the last runs. The newest is at the right end.
func (r *Report) Picture() Picture {
	runs := r.Runs()
	var picture Picture
	for _, run := range runs {
		if run.HasExtract() {
			picture.Most = max(picture.Most, *run.RowsLoaded)
		}
	}
	for i, run := range runs {
		column := PictureColumn{Run: run, Left: pictureWidth - (len(runs)-i)*pictureStep, Top: pictureHeight, IsLast: i == len(runs)-1}
		if run.HasExtract() {
			part := percentOf(float64(*run.RowsLoaded), float64(picture.Most)) / 100
			column.Height = max(1, int(math.Round(part*pictureHeight)))
			column.Top -= column.Height
		}
		picture.Columns = append(picture.Columns, column)
	}
	return picture
}

// Color is that of the column: of rows that were made, that stayed, or of none.
func (c PictureColumn) Color() string {
	switch {
	case !c.HasExtract():
		return "broken"
	case c.Status == unchanged:
		return "left"
	}
	return "kept"
}

// Words say what a column shows.
func (c PictureColumn) Words() string {
	when := "at an unknown time"
	if !c.Started.IsZero() {
		when = moment(c.Started)
	}
	if c.HasExtract() {
		return fmt.Sprintf("%s: %s, %s", when, c.Outcome().Label, words.Count(*c.RowsLoaded, "row"))
	}
	return fmt.Sprintf("%s: %s", when, cmp.Or(c.Outcome().Label, unknown))
}
