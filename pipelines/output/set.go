package output

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/report"
)

const (
	// setSuffix is added to the output path for the list of the extracts that a run did not merge.
	setSuffix = ".set.json"

	// setVersion is the version of the list's layout. Keys may be added, never renamed.
	setVersion = 1
)

// numbered matches the name of an extract of a set.
var numbered = regexp.MustCompile(`-([0-9]{5,}-of-[0-9]{5,})\.hyper$`)

// Set is the durable list of the extracts that a run did not merge. It stands beside
// them, and only while all of them are in place: what it lists is no mixture of runs.
type Set struct {
	Version  int      `json:"version"`
	RunID    string   `json:"run_id"`
	Extracts []Member `json:"extracts"` // in their order

	ID string `json:"-"` // the same for sets of the same bytes, and for no others
}

// Member is an extract of a set.
type Member struct {
	Name   string `json:"name"` // in the folder of the list
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`

	URI string `json:"-"`
}

// SetPath is where the list of the extracts stands that are not merged.
func SetPath(output string) string { return output + setSuffix }

// writeSet lists the extracts of a run that are in place.
func writeSet(ctx context.Context, output string, report *report.Report) error {
	set := Set{Version: setVersion, RunID: report.RunID}
	for _, extract := range report.Outputs {
		set.Extracts = append(set.Extracts, Member{
			Name: path.Base(filepath.ToSlash(extract.Path)), Rows: extract.Rows, Bytes: extract.Bytes, SHA256: extract.SHA256,
		})
	}
	data, err := json.MarshalIndent(set, "", "  ")
	if err == nil {
		err = storage.Put(ctx, SetPath(output), append(data, '\n'))
	}
	return setFailure("write", output, err)
}

// removeSet has nobody take the extracts of an earlier run for a whole set any more.
func removeSet(ctx context.Context, output string) error {
	return setFailure("remove", output, storage.Remove(ctx, SetPath(output)))
}

func setFailure(verb, output string, err error) error {
	if err == nil {
		return nil
	}
	return failure.New(failure.Storage, "%s the list %s: %w", verb, SetPath(output), err).
		WithHint("correct the cause and run again: %s", storage.Hint(err))
}

// ReadSet finds the extracts that the last run to an output left. Where there is no whole set, or its list
// cannot be read or is that of a newer hyperlake, it fails with one of kind Storage.
func ReadSet(ctx context.Context, output string) (*Set, error) {
	var set Set
	err := storage.GetJSON(ctx, SetPath(output), &set)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failure.New(failure.Storage, "there is no whole set of extracts beside %s: %s is missing", output, SetPath(output)).
			WithHint("run the configuration first")
	}
	if err == nil && (set.Version > setVersion || len(set.Extracts) == 0) {
		err = fmt.Errorf("it has version %d and %d extracts, which this hyperlake does not know", set.Version, len(set.Extracts))
	}
	if err != nil {
		return nil, setFailure("read", output, err)
	}
	folder, _ := splitOutput(output)
	hash := sha256.New()
	for i := range set.Extracts {
		member := &set.Extracts[i]
		member.URI = storage.Join(folder, member.Name)
		hash.Write([]byte(member.SHA256))
	}
	set.ID = hex.EncodeToString(hash.Sum(nil))
	return &set, nil
}

// SetStands says whether the list beside an output is that of some extracts, in their order. One that cannot be read is not.
func SetStands(ctx context.Context, output string, extracts []report.Extract) bool {
	set, err := ReadSet(ctx, output)
	return err == nil && slices.EqualFunc(set.Extracts, extracts, func(m Member, e report.Extract) bool {
		return m.URI == e.Path && m.SHA256 == e.SHA256
	})
}

// NoteSet lists the set in the report of a run that did not make it.
func NoteSet(r *report.Report, set *Set) {
	r.Output.Bytes, r.Outputs = 0, nil
	for _, member := range set.Extracts {
		r.Output.Bytes += member.Bytes
		r.Outputs = append(r.Outputs, report.Extract{
			Value: numberOf(member.Name), Path: member.URI, Rows: member.Rows, Bytes: member.Bytes, SHA256: member.SHA256,
		})
	}
}

// numberOf is the number in the name of an extract of a set, such as 00001-of-00008.
func numberOf(name string) string {
	found := numbered.FindStringSubmatch(name)
	if found == nil {
		return ""
	}
	return found[1]
}

// isNumbered says whether a file has the name of an extract of a set of that base.
func isNumbered(name, base string) bool {
	return name == base+"-"+numberOf(name)+".hyper" && numberOf(name) != ""
}
