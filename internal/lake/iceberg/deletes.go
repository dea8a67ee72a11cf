package iceberg

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/vector"
)

// The columns of a file of position deletes, and the id of the first.
const (
	pathColumn     = "file_path"
	positionColumn = "pos"
	pathColumnID   = 2147483546
)

// deleteEntry is a file that deletes rows.
type deleteEntry struct {
	path     string
	format   string
	sequence int64
	size     int64
	rows     int64
	fields   []int32 // whose values count
	lower    []byte  // bounds of the paths of data files; nil where they are not known
	upper    []byte

	offset, length int64 // of a deletion vector
}

// deletes are the files that delete rows of a snapshot, by what they are for.
type deletes struct {
	vectors   map[string]*deleteEntry   // by the path of the data file
	positions map[string][]*deleteEntry // of one data file, by its path
	partition map[string][]*deleteEntry // positions by partition, sorted by sequence number
	values    map[string]*deleteList    // by partition
	global    *deleteList               // values for all partitions
	fields    map[int32]bool            // that values are of
}

// deleteList is files of equality deletes that are for the same data files, but for these files' sequence numbers.
type deleteList struct {
	entries []*deleteEntry    // sorted by sequence number
	files   []lake.DeleteFile // of the entries, from the first on that was asked for
}

// from are the files from a sequence number on. All that are asked for share their memory.
func (l *deleteList) from(t *table, sequence int64) ([]lake.DeleteFile, error) {
	if l == nil {
		return nil, nil
	}
	if l.files == nil {
		l.files = make([]lake.DeleteFile, len(l.entries))
	}
	first := len(l.entries) - len(from(l.entries, sequence))
	for i := first; i < len(l.files) && l.files[i].URI == ""; i++ {
		var err error
		if l.files[i], err = l.entries[i].file(t); err != nil {
			return nil, err
		}
	}
	return slices.Clip(l.files[first:]), nil
}

// deletes reads which files delete rows of a snapshot.
func (t *table) deletes(ctx context.Context, manifests []manifest) (*deletes, error) {
	d := &deletes{
		vectors: map[string]*deleteEntry{}, positions: map[string][]*deleteEntry{},
		partition: map[string][]*deleteEntry{}, values: map[string]*deleteList{}, global: &deleteList{}, fields: map[int32]bool{},
	}
	for _, m := range manifests {
		if m.Content != contentDelete {
			continue
		}
		isGlobal := !t.specs[m.Spec].isPartitioned()
		err := t.entries(ctx, m, true, func(e *entry) error { return d.add(e, isGlobal) })
		if err != nil {
			return nil, err
		}
	}
	sortEntries(d.global.entries)
	for _, list := range d.values {
		sortEntries(list.entries)
	}
	for _, entries := range d.partition {
		sortEntries(entries)
	}
	return d, nil
}

func sortEntries(entries []*deleteEntry) {
	slices.SortStableFunc(entries, func(a, b *deleteEntry) int { return cmp.Compare(a.sequence, b.sequence) })
}

// add takes in a file. One that is of a spec without partitions and has values is for all partitions.
func (d *deletes) add(e *entry, isGlobal bool) error {
	f := &e.File
	is := &deleteEntry{path: f.Path, format: strings.ToUpper(f.Format), sequence: e.sequence, size: f.Size, rows: f.Rows, fields: f.Fields}
	key := partitionKey(e.spec, e.partition)
	switch {
	case f.Content == fileValues && len(f.Fields) == 0:
		return fmt.Errorf("the file %s of equality deletes has no fields", f.Path)
	case f.Content == fileValues:
		d.addValues(is, key, isGlobal)
	case is.format == formatPuffin:
		return d.addVector(f, is)
	case f.Referenced != nil:
		d.positions[*f.Referenced] = append(d.positions[*f.Referenced], is)
	default:
		is.lower, is.upper = boundOf(f.Lower, pathColumnID), boundOf(f.Upper, pathColumnID)
		d.partition[key] = append(d.partition[key], is)
	}
	return nil
}

// addValues takes in a file of equality deletes, for one partition or for all.
func (d *deletes) addValues(is *deleteEntry, key string, isGlobal bool) {
	for _, id := range is.fields {
		d.fields[id] = true
	}
	to := d.global
	if !isGlobal {
		if d.values[key] == nil {
			d.values[key] = &deleteList{}
		}
		to = d.values[key]
	}
	to.entries = append(to.entries, is)
}

// addVector takes in a deletion vector. A data file has one at most.
func (d *deletes) addVector(f *fileEntry, is *deleteEntry) error {
	if f.Referenced == nil || f.Offset == nil || f.Length == nil {
		return fmt.Errorf("the deletion vector in %s does not say of which file it is, or where it lies", f.Path)
	}
	is.offset, is.length = *f.Offset, *f.Length
	if is.offset < 0 || is.length < 0 {
		return fmt.Errorf("the deletion vector in %s has %d bytes at byte %d", f.Path, is.length, is.offset)
	}
	if other, isTwice := d.vectors[*f.Referenced]; isTwice {
		return fmt.Errorf("the file %s has two deletion vectors, in %s and %s", *f.Referenced, other.path, f.Path)
	}
	d.vectors[*f.Referenced] = is
	return nil
}

// boundOf is the bound of a column; nil if it has none.
func boundOf(bounds []boundEntry, id int32) []byte {
	for _, b := range bounds {
		if b.Field == id {
			return b.Value
		}
	}
	return nil
}

// mayHave says whether a file of position deletes may have the path of a data file.
func (e *deleteEntry) mayHave(path string) bool {
	return (e.lower == nil || bytes.Compare(e.lower, []byte(path)) <= 0) && (e.upper == nil || bytes.Compare([]byte(path), e.upper) <= 0)
}

// from are the entries, which are sorted, from a sequence number on.
func from(entries []*deleteEntry, sequence int64) []*deleteEntry {
	at, _ := slices.BinarySearchFunc(entries, sequence, func(e *deleteEntry, s int64) int { return cmp.Compare(e.sequence, s) })
	return entries[at:]
}

// vectorBytes is how many bytes of a deletion vector in a Puffin file are not it: its length and its checksum.
const vectorBytes = 8

// apply tells a data file what deletes rows of it: its vector, or else positions of its sequence number and later
// ones, and values of later ones.
func (d *deletes) apply(t *table, e *entry, to *lake.File) error {
	path, key := e.File.Path, partitionKey(e.spec, e.partition)
	is, hasVector := d.vectors[path]
	if hasVector && is.sequence >= e.sequence {
		uri, err := t.paths.resolve(is.path)
		if err != nil {
			return err
		}
		if is.rows > e.File.Rows {
			return fmt.Errorf("%d of the %d rows of the file %s are deleted", is.rows, e.File.Rows, path)
		}
		to.Deletes = &vector.Vector{
			ID: fmt.Sprintf("%s@%d", is.path, is.offset), URI: uri, Puffin: true,
			Offset: is.offset, Size: is.length - vectorBytes, Cardinality: is.rows,
		}
	} else if err := d.applyPositions(t, e, key, to); err != nil {
		return err
	}
	return d.applyValues(t, e, key, to)
}

func (d *deletes) applyValues(t *table, e *entry, key string, to *lake.File) error {
	all, err := d.global.from(t, e.sequence+1)
	if err != nil {
		return err
	}
	own, err := d.values[key].from(t, e.sequence+1)
	if len(all) > 0 && len(own) > 0 {
		own = slices.Concat(all, own)
	} else if len(all) > 0 {
		own = all
	}
	to.EqualityDeletes = own
	return err
}

func (d *deletes) applyPositions(t *table, e *entry, key string, to *lake.File) error {
	own := slices.DeleteFunc(slices.Clone(d.positions[e.File.Path]), func(is *deleteEntry) bool { return is.sequence < e.sequence })
	for _, is := range from(d.partition[key], e.sequence) {
		if is.mayHave(e.File.Path) {
			own = append(own, is)
		}
	}
	for _, is := range own {
		file, err := is.file(t)
		if err != nil {
			return err
		}
		to.PositionDeletes = append(to.PositionDeletes, file)
	}
	return nil
}

// file describes the file for those who read it.
func (e *deleteEntry) file(t *table) (lake.DeleteFile, error) {
	if e.format != formatParquet {
		return lake.DeleteFile{}, notImplemented("its file %s, which deletes rows, is in %s", e.path, e.format)
	}
	uri, err := t.paths.resolve(e.path)
	return lake.DeleteFile{URI: uri, Size: e.size, Rows: e.rows, Fields: e.fields}, err
}
