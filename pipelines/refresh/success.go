package refresh

import (
	"time"

	"hyperlake/internal/batch"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/rejects"
)

// stateVersion is the version of the layout of a state. Another one is not read: the next run is a full build.
const stateVersion = 2

// Success is what is remembered of a run that made an extract, or several: enough for the next run to know what changed, and what
// the rows that did not change count for.
type Success struct {
	Version  int                `json:"version"`
	RunID    string             `json:"run_id"`
	Name     string             `json:"name"` // of the configuration
	Finished time.Time          `json:"finished"`
	Output   string             `json:"output"`          // URI of the one extract, or what the names of several are made of
	Merge    config.MergeChoice `json:"merge,omitempty"` // of the configuration
	Shards   int                `json:"shards"`          // that were planned for all units
	Extracts []Extract          `json:"extracts"`        // one without a value, or several, which may be none, in their order
	Format   int                `json:"format_version"`
	Built    Built              `json:"built"`
	Tables   []TableState       `json:"tables"`
}

// Extract is a file at its visible place.
type Extract struct {
	report.Extract
	Version string `json:"-"` // as [storage.Info] has it; empty if it is not known
	IsGone  bool   `json:"-"` // another file is there by now, or none; see [State.Last]
}

// Versions are those of the extracts, in their order.
func (s *Success) Versions() []string {
	var versions []string
	for _, extract := range s.Extracts {
		versions = append(versions, extract.Version)
	}
	return versions
}

func (s *Success) setVersions(versions []string) {
	for i := range min(len(s.Extracts), len(versions)) {
		s.Extracts[i].Version = versions[i]
	}
}

// Built is the last full build that an extract goes back to.
type Built struct {
	Date  time.Time `json:"date"` // of its run
	Bytes int64     `json:"bytes"`
	Rows  int64     `json:"rows"`
}

// HasSeveral says whether a success made extracts whose names are made of that of the output, however many.
func (s *Success) HasSeveral() bool { return len(s.Extracts) != 1 || s.Extracts[0].Value != "" }

// IsOutgrown says whether an extract is larger than a full build would make it, by more than a part.
func (b Built) IsOutgrown(bytes, rows int64, part float64) bool {
	if b.Rows == 0 || rows == 0 {
		return false
	}
	return float64(bytes) > (1+part)*float64(b.Bytes)/float64(b.Rows)*float64(rows)
}

// TableState is one table of a success.
type TableState struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`

	// Fingerprint stands for all that decides what becomes of the rows of a file.
	Fingerprint string `json:"fingerprint"`

	// Undated is Fingerprint but for the date of the run, where that counts.
	Undated string `json:"undated"`

	// Definition stands for the columns and keys of the table in the extract.
	Definition string `json:"definition"`

	// Account is what the report said of the table.
	Account report.TableAccount `json:"account"`

	Units   []UnitState      `json:"units"` // sorted by key
	Counts  batch.Counts     `json:"counts"`
	Samples []rejects.Sample `json:"samples,omitempty"`
	Rejects []rejects.File   `json:"rejects,omitempty"` // kept in the state
}

// UnitCounts are those of the units, as far as they are known.
func (t TableState) UnitCounts() []batch.UnitCounts {
	var counts []batch.UnitCounts
	for _, unit := range t.Units {
		if unit.Counts != nil {
			counts = append(counts, batch.UnitCounts{Unit: unit.Key, Counts: *unit.Counts})
		}
	}
	return counts
}

// UnitState is a unit as it was loaded.
type UnitState struct {
	Key     string    `json:"unit"`
	Version string    `json:"version"`
	Values  []*string `json:"values,omitempty"` // as the lake had them; none of a file

	// Counts are those of its rows; nil for a file, whose rows nothing tells from others.
	Counts *batch.Counts `json:"counts,omitempty"`
}

// rows is how many rows of a unit were read.
func (u UnitState) rows() int64 {
	if u.Counts == nil {
		return 0
	}
	return u.Counts.Read
}

// Rejected is how many rows were rejected.
func (s *Success) Rejected() int64 {
	var rows int64
	for _, table := range s.Tables {
		rows += table.Counts.Rejected
	}
	return rows
}

// Rows is how many rows the extract has.
func (s *Success) Rows() int64 {
	var rows int64
	for _, table := range s.Tables {
		rows += table.Counts.Left()
	}
	return rows
}
