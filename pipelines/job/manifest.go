package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/staging"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
)

// entry is what one step of an attempt finished, or the whole job. It has one of Shards,
// Partial, Rejects, Disputed and Merged.
type entry struct {
	Attempt string `json:"attempt,omitempty"`

	// Fingerprint is that of the plan under which the attempt read Shards, all of them.
	Fingerprint string              `json:"fingerprint,omitempty"`
	Shards      []parquetread.Shard `json:"shards,omitempty"`

	Partial  *hyper.File      `json:"partial,omitempty"`
	Rejects  *rejects.Account `json:"rejects,omitempty"`
	Disputed bool             `json:"disputed,omitempty"` // hyperd and Go keep different rows

	// Merged was made under the plan of Fingerprint.
	Merged *merged `json:"merged,omitempty"`
}

// note writes an entry.
func (e entry) note(ctx context.Context, runFolder string) error {
	uri := storage.Join(runFolder, staging.ManifestFolder, uuid.NewString()+".json")
	if err := storage.PutJSON(ctx, uri, e); err != nil {
		return failure.New(failure.Storage, "write the manifest, %s: %w", uri, err).WithHint("%s", storage.Hint(err))
	}
	return nil
}

// entriesAtOnce is how many entries are read at the same time.
const entriesAtOnce = 32

// readManifest reads all entries, in no particular order.
func readManifest(ctx context.Context, runFolder string) ([]entry, error) {
	folder := storage.Join(runFolder, staging.ManifestFolder)
	store, err := storage.For(folder)
	if err != nil {
		return nil, err
	}
	found, err := store.Glob(ctx, storage.Join(storage.EscapeGlob(folder), "*.json"))
	if err != nil {
		return nil, fmt.Errorf("read the manifest, %s: %w", folder, err)
	}
	entries := make([]entry, len(found))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(entriesAtOnce)
	for i, file := range found {
		group.Go(func() error {
			if err := storage.GetJSON(ctx, file.URI, &entries[i]); err != nil {
				return fmt.Errorf("read the manifest, %s: %w", file.URI, err)
			}
			return nil
		})
	}
	return entries, group.Wait()
}

// attempt is what the entries of one attempt list.
type attempt struct {
	shards   []parquetread.Shard
	partials []hyper.File
	rejects  []rejects.Account
	disputed bool
}

// attemptsUnder puts the entries of attempts together, those that read under the plan of a
// fingerprint, by name.
func attemptsUnder(fingerprint string, entries []entry) map[string]*attempt {
	attempts := map[string]*attempt{}
	for _, e := range entries {
		if e.Fingerprint == fingerprint && e.Merged == nil {
			attempts[e.Attempt] = &attempt{shards: e.Shards}
		}
	}
	for _, e := range entries {
		a := attempts[e.Attempt]
		switch {
		case a == nil:
		case e.Partial != nil:
			a.partials = append(a.partials, *e.Partial)
		case e.Rejects != nil:
			a.rejects = append(a.rejects, *e.Rejects)
		case e.Disputed:
			a.disputed = true
		}
	}
	return attempts
}

// isWhole says whether nothing of an attempt is missing: of every table, the partials
// account for all rows of the row groups that were read, or for none, as of a table whose
// rows are moved; and there are all rejects of which they know, and nothing is in doubt.
func (a *attempt) isWhole(tables int) bool {
	if a.disputed || len(a.partials) == 0 {
		return false
	}
	read, aside := make([]int64, tables), make([]int64, tables)
	for _, shard := range a.shards {
		for _, file := range shard.Files {
			read[shard.Table] += file.Rows()
		}
	}
	for _, account := range a.rejects {
		aside[account.Table] += account.Rows
	}
	for table := range tables {
		var sum batch.Tally
		for _, partial := range a.partials {
			sum.Add(partial.Tables[table].Tally)
		}
		if sum.InFiles() != 0 && sum.InFiles() != read[table] || sum.Rejected != aside[table] || sum.Doubtful != 0 {
			return false
		}
	}
	return true
}

// loaded are the shards of the tables of which the partials have rows.
func (a *attempt) loaded() []parquetread.Shard {
	return slices.DeleteFunc(slices.Clone(a.shards), func(shard parquetread.Shard) bool {
		return !slices.ContainsFunc(a.partials, func(p hyper.File) bool { return p.Tables[shard.Table].Tally.InFiles() > 0 })
	})
}

// finished is what earlier attempts did of a plan.
type finished struct {
	Partials []hyper.File
	Rejects  []rejects.Account
	shards   []parquetread.Shard // that need not be read any more
}

func (f *finished) rows() int64 {
	var rows int64
	for _, shard := range f.shards {
		for _, file := range shard.Files {
			rows += file.Rows()
		}
	}
	return rows
}

// findFinished finds out what a manifest has of the shards of a plan with so many tables: the attempts
// that are whole, that read nothing but row groups of the shards in the same versions of their files,
// and that are usable. No row group is in two of them.
func findFinished(shards []parquetread.Shard, tables int, fingerprint string, entries []entry, usable func(*attempt) bool) *finished {
	done := &finished{}
	attempts := attemptsUnder(fingerprint, entries)
	open := map[unit]bool{}
	for _, u := range unitsOf(shards) {
		open[u] = true
	}
	for _, name := range slices.Sorted(maps.Keys(attempts)) {
		a := attempts[name]
		if !a.isWhole(tables) {
			continue
		}
		units := unitsOf(a.loaded())
		if !allOpen(open, units) || !usable(a) {
			continue
		}
		for _, unit := range units {
			delete(open, unit)
		}
		done.Partials = append(done.Partials, a.partials...)
		done.Rejects = append(done.Rejects, a.rejects...)
		done.shards = append(done.shards, a.loaded()...)
	}
	return done
}

// files are all that earlier attempts wrote.
func (f *finished) files() []string {
	var files []string
	for _, partial := range f.Partials {
		files = append(files, partial.Path)
	}
	for _, account := range f.Rejects {
		for _, file := range account.Files {
			files = append(files, file.URI)
		}
	}
	return files
}

// unit is a row group of one version of a file of a table.
type unit struct {
	table    int
	uri      string
	version  string
	folders  string // what the names of folders say that was verified while it was read
	deletes  string // which rows of the file were left out, since they are no rows of the table
	rowGroup int
	rows     int64 // of it that are read
}

func unitsOf(shards []parquetread.Shard) []unit {
	var units []unit
	for _, shard := range shards {
		for _, file := range shard.Files {
			u := unitOf(shard.Table, file)
			for _, group := range file.RowGroups {
				u.rowGroup, u.rows = group.Index, group.Rows
				units = append(units, u)
			}
		}
	}
	return units
}

// unitOf is what the row groups of a file have in common.
func unitOf(table int, file parquetread.FileRef) unit {
	version := "version " + file.Info.Version
	if file.Info.Version == "" {
		version = fmt.Sprintf("%d bytes of %s", file.Info.Size, file.Info.Modified.UTC().Format(time.RFC3339Nano))
	}
	var folders strings.Builder
	for _, said := range file.Folders {
		fmt.Fprintf(&folders, "%q,", said.Column)
	}
	return unit{table: table, uri: file.Info.URI, version: version, folders: folders.String(), deletes: deletesOf(file)}
}

// deletesOf stands for all that deletes rows of a file, whatever the order; it is empty if nothing does. A table that has deleted
// more rows since has the same files, with others that say so.
func deletesOf(file parquetread.FileRef) string {
	if !file.HasDeletes() {
		return ""
	}
	var all []string
	if v := file.Deletes; v != nil {
		all = append(all, fmt.Sprintf("vector %q %q %d %d %x", v.ID, v.URI, v.Offset, v.Cardinality, v.Inline))
	}
	for _, positions := range file.PositionDeletes {
		all = append(all, "positions "+positions.URI)
	}
	for _, values := range file.EqualityDeletes {
		all = append(all, "values "+values.URI)
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(strings.Join(all, "\x00")))
	return string(sum[:])
}

func allOpen(open map[unit]bool, units []unit) bool {
	return !slices.ContainsFunc(units, func(u unit) bool { return !open[u] })
}

// verify looks whether all files of an attempt are there as they were written.
func (a *attempt) verify(ctx context.Context) error {
	for _, partial := range a.partials {
		file := storage.Info{URI: partial.Path, Size: partial.Bytes, Version: partial.Version}
		if err := verifyFile(ctx, file, partial.SHA256); err != nil {
			return err
		}
	}
	for _, account := range a.rejects {
		for _, file := range account.Files {
			if err := verifyFile(ctx, storage.Info{URI: file.URI, Size: file.Bytes, Version: file.Version}, file.SHA256); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyFile compares a file with what was written: remote ones by their version, local
// ones by their size, and by their checksum if it is known.
func verifyFile(ctx context.Context, written storage.Info, sum string) error {
	there, err := storage.Stat(ctx, written.URI)
	if err != nil {
		return err
	}
	if there.Size != written.Size || there.Version != written.Version {
		return storage.ErrChanged
	}
	path, local := storage.LocalPath(written.URI)
	if !local || sum == "" {
		return nil
	}
	return storage.VerifySHA256(ctx, path, written.Size, sum)
}

// without is what is left of shards where some row groups need not be read any more.
func without(shards []parquetread.Shard, done *finished) []parquetread.Shard {
	gone := map[unit]bool{}
	for _, u := range unitsOf(done.shards) {
		gone[u] = true
	}
	var left []parquetread.Shard
	for _, shard := range shards {
		rest := parquetread.Shard{Table: shard.Table}
		for _, file := range shard.Files {
			u := unitOf(shard.Table, file)
			groups := slices.DeleteFunc(slices.Clone(file.RowGroups), func(group parquetread.RowGroup) bool {
				u.rowGroup, u.rows = group.Index, group.Rows
				return gone[u]
			})
			file.Deferred = file.Deferred && len(groups) == len(file.RowGroups) // hyperd reads whole files only
			file.RowGroups = groups
			if len(groups) > 0 {
				rest.Files = append(rest.Files, file)
			}
		}
		if len(rest.Files) > 0 {
			left = append(left, rest)
		}
	}
	return left
}

// fingerprintOf stands for all that decides what a plan makes of the rows it reads: the
// columns, the conversions, the rules, the tables of the extract, and what is kept of rejects.
func fingerprintOf(p *plan.Plan, sink hyper.Params, aside rejects.Params) (string, error) {
	type table struct {
		Read  parquetread.Projection
		Apply any
		Moves any
	}
	all := struct {
		Manifest int // changes with what an entry means
		Layout   hyper.Layout
		Tables   []table
		Rejects  []rejects.Keep
	}{Manifest: 1, Layout: sink.Layout, Rejects: aside.Tables}
	for _, t := range p.Tables {
		all.Tables = append(all.Tables, table{t.Read, t.Apply, t.Repartition})
	}
	data, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("describe the plan: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
