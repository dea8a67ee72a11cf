package htmlreport

import (
	"cmp"
	"slices"
	"strings"

	"hyperlake/internal/words"
)

// stageIngest is the stage in which a run brings entries into the lake.
const stageIngest = "ingest"

// Ingest is what a report says of one entry that was brought into the lake, or was to be.
type Ingest struct {
	Name        string         `json:"name"`
	To          string         `json:"to"` // the folder
	Rows        *int64         `json:"rows"`
	Rejected    *int64         `json:"rejected"`
	Bytes       *int64         `json:"bytes"`
	Time        float64        `json:"seconds"`
	Failed      bool           `json:"failed"` // the folder stays as it was
	RejectsPath string         `json:"rejects_path"`
	Rules       []IngestRule   `json:"rules"`
	Drift       []string       `json:"drift"` // what has changed of the source, and was accepted
	Columns     []IngestColumn `json:"columns"`
}

// IngestRule says how many rows were rejected for one reason.
type IngestRule struct {
	Rule   string `json:"rule"`
	Column string `json:"column"` // empty where the row as a whole did not fit
	Rows   *int64 `json:"rows"`
}

// IngestColumn is a column as it is pinned.
type IngestColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Mark judges an entry: by whether its folder is new, and whether rows are missing from it.
func (i Ingest) Mark() Mark {
	switch {
	case i.Failed:
		return bad
	case !isZero(i.Rejected):
		return doubt
	}
	return good
}

// Read is how many rows the source had; nil where that is not known.
func (i Ingest) Read() *int64 {
	if i.Rows == nil || i.Rejected == nil {
		return nil
	}
	read := *i.Rows + *i.Rejected
	return &read
}

// HasMore says whether there is more to tell of it than figures.
func (i Ingest) HasMore() bool {
	return i.Failed || i.RejectsPath != "" && !isZero(i.Rejected) || len(i.Rules)+len(i.Drift)+len(i.Columns) > 0
}

// hasIngestFailed says whether it ended, or was stopped, while entries were brought into the lake.
func (r *Report) hasIngestFailed() bool {
	return slices.Contains([]string{failed, rejected, interrupted}, r.Status) && len(r.Tables) == 0 && r.lastStage() == stageIngest
}

// lastStage is the name of the stage that was the last to begin.
func (r *Report) lastStage() string {
	if len(r.Stages) == 0 {
		return ""
	}
	return r.Stages[len(r.Stages)-1].Name
}

// Ingested adds up a figure of the entries whose folders are new; it is nil if one of them lacks it.
func (r *Report) Ingested(figure func(Ingest) *int64) *int64 {
	var sum int64
	for _, entry := range r.Ingest {
		n := figure(entry)
		switch {
		case entry.Failed:
		case n == nil:
			return nil
		default:
			sum += *n
		}
	}
	return &sum
}

// ingestRejected is how many rows did not fit, of all entries.
func (r *Report) ingestRejected() int64 {
	var rows int64
	for _, entry := range r.Ingest {
		rows += value(entry.Rejected)
	}
	return rows
}

// lake says what the folders of the lake hold that are filled first; empty where there are none.
func (r *Report) lake() string {
	var sources, aside int64
	var parts, stays []string
	for _, entry := range r.Ingest {
		if entry.Failed {
			stays = append(stays, entry.Name+" in the lake stays as it was.")
			continue
		}
		sources, aside = sources+1, aside+value(entry.Rejected)
	}
	if rows := r.Ingested(func(i Ingest) *int64 { return i.Rows }); sources > 0 && rows != nil {
		text := "The lake got " + words.Count(*rows, "row") + " of " + words.Count(sources, "source")
		if aside > 0 {
			text += " (" + count(&aside) + " rejected)"
		}
		parts = append(parts, text+".")
	}
	switch {
	case len(stays) > 0:
		parts = append(parts, stays...)
	case r.hasIngestFailed() && sources == 0:
		parts = append(parts, "The lake stays as it was.")
	case r.hasIngestFailed():
		parts = append(parts, "The others stay as they were.")
	}
	return strings.Join(parts, " ")
}

// headlineOfIngest is how bringing entries into the lake ended, where nothing else was to be done, or nothing came after it.
func (r *Report) headlineOfIngest() (string, Mark) {
	why := map[string]string{
		rejected: "the data that was to be ingested was rejected", failed: "the ingest failed",
		interrupted: "the run was stopped while it ingested",
	}[r.Status]
	switch {
	case !r.IngestOnly:
		return "Nothing was delivered: " + why, bad
	case r.Status == succeeded:
		return "Brought into the lake", good
	}
	return "Not all was brought into the lake: " + cmp.Or(why, "it ended as "+r.Status), bad
}
