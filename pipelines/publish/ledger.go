package publish

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hyperlake/pipelines/config"
	"hyperlake/sinks/tableau"
)

const (
	// ledgerVersion is the version of the ledger's layout. Keys may be added, never renamed.
	ledgerVersion = 2

	// maxDeliveries bounds a ledger: years of nights.
	maxDeliveries = 1000

	// defaultProject is the name that every site's default project has.
	defaultProject = "default"
)

// address names a data source.
type address struct {
	Server     string `json:"server"`
	Site       string `json:"site"`
	ProjectID  string `json:"project_id"`
	Datasource string `json:"datasource"`
}

// ledger is the memory of what was sent to one data source, by whatever configuration. Every
// change of it is durable before whatever follows is done.
type ledger struct {
	Version  int `json:"version"`
	Revision int `json:"revision"`
	address
	Project string `json:"project"` // its path, or its id, as it was spelled last

	Standing   standing      `json:"standing"`
	Units      *heldUnits    `json:"held,omitempty"`   // that it has the rows of, where that is known for sure
	Tables     []ledgerTable `json:"tables,omitempty"` // as publications made them; nil if that is not known
	Deliveries []*delivery   `json:"deliveries"`       // in the order of their beginning

	places []*place
	mine   []*delivery // that this process began, or went on with
}

// standing is the data source as the last change of ours that is known left it.
type standing struct {
	DatasourceID string    `json:"datasource_id,omitempty"`
	Updated      time.Time `json:"updated,omitzero"` // by the server's clock; zero if it was not told
	Rows         int64     `json:"rows"`             // -1 if nobody knows
}

// describes says whether a data source still is as it was left: nobody changed it since. It
// proves nothing about what was sent and not answered.
func (s standing) describes(found tableau.Datasource) bool {
	return s.DatasourceID != "" && s.DatasourceID == found.ID && !s.Updated.IsZero() && s.Updated.Equal(found.UpdatedAt)
}

// untouched says whether nobody else changed a data source, as it was found, since our last change. One that
// is missing was touched.
func (l *ledger) untouched(found *tableau.Datasource) bool {
	return found != nil && l.Standing.describes(*found)
}

// ledgerTable is a published table, for comparison with the next payload.
type ledgerTable struct {
	Schema  string           `json:"schema"`
	Name    string           `json:"name"`
	Columns []tableau.Column `json:"columns"`
}

func (t ledgerTable) equal(other ledgerTable) bool {
	return t.Schema == other.Schema && t.Name == other.Name && slices.Equal(t.Columns, other.Columns)
}

// sameProject says whether two paths name one project.
func sameProject(a, b string) bool { return a == b || projectKey(a) == projectKey(b) }

// projectKey is the same for all spellings of a path; that of the default project may be empty.
func projectKey(path string) string {
	names, err := tableau.ParseProjectPath(cmp.Or(path, defaultProject))
	if err != nil {
		return path
	}
	if len(names) == 1 && strings.EqualFold(names[0], defaultProject) {
		return defaultProject
	}
	return tableau.FormatProjectPath(names...)
}

// live are the deliveries, latest first, of which the data source may still hold rows: those since it
// was last renewed for sure, and that one. It is another one than before if it was made anew.
func (l *ledger) live(found *tableau.Datasource) []*delivery {
	var live []*delivery
	for _, d := range slices.Backward(l.Deliveries) {
		if found == nil || d.DatasourceID != "" && d.DatasourceID != found.ID {
			break
		}
		if d.progress() == nothing {
			continue
		}
		live = append(live, d)
		if d.Mode.Renews() && d.Steps[0].State == applied {
			break
		}
	}
	return live
}

// knowsAll says whether all rows of a data source, as it was found, came there by deliveries that the ledger knows.
func (l *ledger) knowsAll(found *tableau.Datasource) bool {
	live := l.live(found)
	others := func(d *delivery) bool { return d.AfterOthers && !d.Mode.Renews() }
	return len(live) > 0 && live[len(live)-1].Mode.Renews() && !slices.ContainsFunc(live, others) && l.Standing.Rows >= 0 && l.untouched(found)
}

// isLatest says whether nothing was sent after a delivery.
func (l *ledger) isLatest(d *delivery) bool {
	for _, other := range slices.Backward(l.Deliveries) {
		if other.ID == d.ID {
			return true
		}
		if other.progress() != nothing {
			return false
		}
	}
	return false
}

// add begins the record of a delivery.
func (l *ledger) add(d *delivery) {
	for _, other := range l.Deliveries {
		d.Sequence = max(d.Sequence, other.Sequence)
	}
	d.Sequence++
	l.Deliveries = append(l.Deliveries, d)
}

// prune forgets the oldest deliveries.
func (l *ledger) prune() {
	if extra := len(l.Deliveries) - maxDeliveries; extra > 0 {
		l.Deliveries = slices.Delete(l.Deliveries, 0, extra)
	}
}

// merge takes in what another copy of the ledger knows.
func (l *ledger) merge(other *ledger) {
	if other.Revision > l.Revision {
		l.Revision, l.Standing, l.Tables, l.Units = other.Revision, other.Standing, other.Tables, other.Units
	}
	for _, d := range other.Deliveries {
		at := slices.IndexFunc(l.Deliveries, func(known *delivery) bool { return known.ID == d.ID })
		switch {
		case at < 0:
			l.Deliveries = append(l.Deliveries, d)
		case l.Deliveries[at].Revision < d.Revision && !slices.Contains(l.mine, l.Deliveries[at]):
			l.Deliveries[at] = d
		}
	}
	slices.SortStableFunc(l.Deliveries, func(a, b *delivery) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), a.Started.Compare(b.Started))
	})
}

// accounted notes that somebody looked at a data source, of whatever others did to it, for one delivery. Where that has rows
// there, older ones may be gone all the same; where it has none, nothing is known of the others.
func (l *ledger) accounted(d *delivery, found tableau.Datasource, rows int64) {
	if d.progress() != wholly && d.progress() != partly || l.Standing.describes(found) {
		return
	}
	d.AfterOthers, l.Units = true, nil
	l.Standing = standing{DatasourceID: found.ID, Updated: found.UpdatedAt, Rows: rows}
}

// landed notes that a step of a delivery was applied, and how the data source is since. A change of
// others that came after ended, by the server's clock, is not taken for ours.
func (l *ledger) landed(d *delivery, s *step, now tableau.Datasource, ended time.Time) {
	before := l.Standing
	l.Standing = standing{DatasourceID: now.ID, Rows: -1}
	if ended.IsZero() || !now.UpdatedAt.After(ended.Add(time.Second)) {
		l.Standing.Updated = now.UpdatedAt
	}
	switch {
	case d.Mode.Renews() && s == d.Steps[0]:
		l.Standing.Rows = s.Rows
	case d.Mode.Syncs():
		if d.progress() == wholly {
			l.Standing.Rows = d.Rows
		}
	case before.Rows < 0 || before.DatasourceID != now.ID:
	case d.Mode.Fills():
		l.Standing.Rows = before.Rows + s.Rows
	case d.Mode == config.PublishMode(tableau.UpdateRows):
		l.Standing.Rows = before.Rows
	}
}
