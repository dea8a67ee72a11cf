package publish

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/tableau"
)

const (
	// ledgerSuffix is added to the path of an extract for that of its ledger.
	ledgerSuffix = ".ledger.json"

	// ledgerVersion is the version of the ledger's layout. Keys may be added, never renamed.
	ledgerVersion = 1

	// maxLedgerEntries bounds the ledger: years of nights.
	maxLedgerEntries = 1000

	// defaultProject is the name that every site's default project has.
	defaultProject = "default"
)

// LedgerPath is where the ledger of an extract stands, be it local or remote.
func LedgerPath(extract string) string { return extract + ledgerSuffix }

// outcome is what became of an attempt to publish.
type outcome string

const (
	pending   outcome = "pending"   // it was begun; of a process that died, nobody knows more
	published outcome = "published" // the data source holds it
	failed    outcome = "failed"    // the server does not have it, or of its parts only those of the entry
	unknown   outcome = "unknown"   // the reply was lost, and the data source did not tell
	unchanged outcome = "unchanged" // the data source had it already (if_changed)
)

// ledger is the record of what was published of an extract. It stands beside the extract,
// and every change of it is durable before whatever follows is done.
type ledger struct {
	Version int            `json:"version"`
	Entries []*ledgerEntry `json:"entries"` // in the order of their beginning

	path     string
	store    storage.Store
	standing *storage.Info  // the version that was read or written last; nil if there is none
	mine     []*ledgerEntry // that this process began
}

// ledgerEntry is one attempt to bring an extract to one data source.
type ledgerEntry struct {
	RunID   string `json:"run_id"`
	SHA256  string `json:"sha256"`  // of the extract's bytes
	Content string `json:"content"` // hash of what is in the tables, see [hyper.Content.Hash]
	Rows    int64  `json:"rows"`

	Mode       config.PublishMode `json:"mode"`
	Match      []string           `json:"match,omitempty"`
	Server     string             `json:"server"`
	Site       string             `json:"site"`
	Project    string             `json:"project"`
	Datasource string             `json:"datasource"`

	DatasourceID string       `json:"datasource_id,omitempty"`
	JobID        string       `json:"job_id,omitempty"`
	Parts        []ledgerPart `json:"parts,omitempty"` // of the payload of a data update
	Outcome      outcome      `json:"outcome"`

	// Set is that of the extracts that are sent one after another, where partials are not
	// merged: so many in all, of which Done are in the data source for sure, and the next one
	// may be if Sending is set.
	Set      string `json:"set,omitempty"`
	Extracts int    `json:"extracts,omitempty"`
	Done     int    `json:"done,omitempty"`
	Sending  bool   `json:"sending,omitempty"`

	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Updated  time.Time `json:"datasource_updated,omitzero"` // by the server's clock, afterwards

	// Tables are those of the data source as far as publications made them; only the last
	// entry of a data source that has them keeps them.
	Tables []ledgerTable `json:"tables,omitempty"`
}

// ledgerPart is a part of a payload: the rows of some buckets.
type ledgerPart struct {
	From  int    `json:"from"`
	To    int    `json:"to"`
	Done  bool   `json:"done"`
	JobID string `json:"job_id,omitempty"`
}

// ledgerTable is a published table, for comparison with the next payload.
type ledgerTable struct {
	Schema  string           `json:"schema"`
	Name    string           `json:"name"`
	Columns []tableau.Column `json:"columns"`
}

// of are the entries of the data source that entry is about.
func (l *ledger) of(entry *ledgerEntry) []*ledgerEntry {
	var same []*ledgerEntry
	for _, e := range l.Entries {
		if e.Server == entry.Server && e.Site == entry.Site && sameProject(e.Project, entry.Project) && e.Datasource == entry.Datasource {
			same = append(same, e)
		}
	}
	return same
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

// tables are those of the data source, as far as they are known; nil if they are not.
func (l *ledger) tables(entry *ledgerEntry) []ledgerTable {
	for _, e := range slices.Backward(l.of(entry)) {
		if e.Tables != nil {
			return e.Tables
		}
	}
	return nil
}

// same says whether the same is done to a data source, if it is the same data source.
func (e *ledgerEntry) same(other *ledgerEntry) bool {
	return e.Content == other.Content && e.Mode == other.Mode && slices.Equal(e.Match, other.Match)
}

// describes says whether a data source is as the attempt left it, as far as one can see.
func (e *ledgerEntry) describes(found tableau.Datasource) bool {
	return (e.DatasourceID == "" || e.DatasourceID == found.ID) &&
		(e.Updated.IsZero() || found.UpdatedAt.IsZero() || e.Updated.Equal(found.UpdatedAt))
}

// holds finds the attempt through which the data source has, or may have, the rows of an
// entry that adds them; nil if there is none.
func (l *ledger) holds(entry *ledgerEntry) *ledgerEntry {
	for _, e := range slices.Backward(l.of(entry)) {
		counts := e.Outcome == published || e.Outcome == pending || e.Outcome == unknown
		switch {
		case counts && e.Content == entry.Content && e.Mode.Fills():
			return e
		case e.Outcome == published && e.Mode.Renews():
			return nil // what was added before is gone
		}
	}
	return nil
}

// unfinished finds a data update that is to be gone on with: what the server executed of
// it, it does not execute again.
func (l *ledger) unfinished(entry *ledgerEntry) *ledgerEntry {
	for _, e := range slices.Backward(l.of(entry)) {
		switch {
		case e.Outcome == unchanged:
		case e.Outcome != published && e.Mode.Updates() && e.same(entry):
			return e
		case e.Outcome == published:
			return nil
		}
	}
	return nil
}

// unfinishedSet finds the attempt to publish a set that is to be gone on with; nil if there is
// none, or something else happened to the data source since.
func (l *ledger) unfinishedSet(entry *ledgerEntry) *ledgerEntry {
	for _, e := range slices.Backward(l.of(entry)) {
		switch {
		case e.Outcome == unchanged || e.Outcome == failed && !e.partDone():
		case e.Outcome != published && e.Set == entry.Set && e.Mode == entry.Mode && e.partDone():
			return e
		default:
			return nil
		}
	}
	return nil
}

// last finds the attempt that left the data source with the very content of entry; nil if
// something else happened since.
func (l *ledger) last(entry *ledgerEntry) *ledgerEntry {
	for _, e := range slices.Backward(l.of(entry)) {
		switch {
		case e.Outcome == unchanged || e.Outcome == failed && !e.partDone():
		case e.Outcome == published && e.Content == entry.Content && (e.same(entry) || e.Mode.Fills() && entry.Mode.Fills()):
			return e
		default:
			return nil
		}
	}
	return nil
}
