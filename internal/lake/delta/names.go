package delta

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"hyperlake/internal/storage"
)

const (
	logFolder     = "_delta_log"
	sidecarFolder = "_sidecars"
)

// The names of the files of a log.
var (
	commitName     = regexp.MustCompile(`^(\d{20})\.json$`)
	compactedName  = regexp.MustCompile(`^(\d{20})\.(\d{20})\.compacted\.json$`)
	checkpointName = regexp.MustCompile(`^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.[^.]+)?\.(parquet|json)$`)
)

// step is a file of the log that leads from the version before it to that of its last commit.
type step struct {
	info        storage.Info
	first, last int64 // versions; equal but for compacted commits
}

// checkpoint is a whole version of the table.
type checkpoint struct {
	version int64
	parts   []storage.Info // in their order
	isJSON  bool
	name    string // of the first part
}

// listing is what a log has, each sorted by version.
type listing struct {
	folder      string // of the table
	commits     []step
	compacted   []step
	checkpoints []checkpoint // of several of one version, the one to use comes last
}

// list lists the log of a table, with one listing of its folder.
func list(ctx context.Context, folder string) (*listing, error) {
	store, err := storage.For(folder)
	if err != nil {
		return nil, unread(folder, err)
	}
	infos, err := store.Glob(ctx, storage.Join(storage.EscapeGlob(folder), logFolder, "*"))
	if err != nil {
		return nil, unread(storage.Join(folder, logFolder), err)
	}
	return listed(folder, infos), nil
}

// listed sorts the files of a log. Those that are none of it are left out, and checkpoints of which parts are
// missing.
func listed(folder string, infos []storage.Info) *listing {
	l := &listing{folder: folder}
	parts := map[string][]storage.Info{} // by version and number of parts
	for _, info := range infos {
		name := path.Base(filepath.ToSlash(info.URI))
		if match := commitName.FindStringSubmatch(name); match != nil {
			if version, ok := number(match[1]); ok {
				l.commits = append(l.commits, step{info, version, version})
			}
		} else if match := compactedName.FindStringSubmatch(name); match != nil {
			first, ok := number(match[1])
			last, fits := number(match[2])
			if ok && fits && first < last {
				l.compacted = append(l.compacted, step{info, first, last})
			}
		} else if match := checkpointName.FindStringSubmatch(name); match != nil {
			l.addCheckpoint(name, match, info, parts)
		}
	}
	slices.SortFunc(l.commits, func(a, b step) int { return cmp.Compare(a.first, b.first) })
	slices.SortFunc(l.compacted, func(a, b step) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last)) })
	slices.SortFunc(l.checkpoints, func(a, b checkpoint) int { return cmp.Or(cmp.Compare(a.version, b.version), a.compare(b)) })
	return l
}

// addCheckpoint takes in a checkpoint, or a part of one, which counts once the others are there.
func (l *listing) addCheckpoint(name string, match []string, info storage.Info, parts map[string][]storage.Info) {
	version, ok := number(match[1])
	switch {
	case !ok || match[4] == "json" && name == match[1]+".checkpoint.json":
	case match[2] == "":
		l.checkpoints = append(l.checkpoints, checkpoint{version, []storage.Info{info}, match[4] == "json", name})
	case match[4] == "parquet":
		of := match[1] + "." + match[3]
		count, _ := number(match[3])
		if part, _ := number(match[2]); part != int64(len(parts[of]))+1 || part > count { // they come sorted
			return
		}
		parts[of] = append(parts[of], info)
		if all := parts[of]; int64(len(all)) == count {
			l.checkpoints = append(l.checkpoints, checkpoint{version, all, false, path.Base(filepath.ToSlash(all[0].URI))})
		}
	}
}

// compare orders checkpoints of one version. All say the same; a single file of Parquet is read best.
func (c checkpoint) compare(other checkpoint) int {
	rank := func(c checkpoint) int {
		switch {
		case len(c.parts) > 1:
			return 0
		case c.isJSON:
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(c), rank(other)), cmp.Compare(other.name, c.name))
}

// number reads the digits of a name.
func number(digits string) (int64, bool) {
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

// commitOf is the commit of a version.
func (l *listing) commitOf(version int64) (step, bool) {
	at, found := slices.BinarySearchFunc(l.commits, version, func(s step, v int64) int { return cmp.Compare(s.first, v) })
	if !found {
		return step{}, false
	}
	return l.commits[at], true
}

// latest is the last version that the log knows of; false if it knows of none.
func (l *listing) latest() (int64, bool) {
	last := int64(-1)
	if n := len(l.commits); n > 0 {
		last = l.commits[n-1].last
	}
	if n := len(l.checkpoints); n > 0 {
		last = max(last, l.checkpoints[n-1].version)
	}
	return last, last >= 0
}

// span is versions that follow each other.
type span struct{ first, last int64 }

func (s span) String() string {
	if s.first == s.last {
		return strconv.FormatInt(s.first, 10)
	}
	return fmt.Sprintf("%d to %d", s.first, s.last)
}

// readable are the versions that can be made: from the first commit of all or a checkpoint on, as long
// as no commit is missing.
func (l *listing) readable() []span {
	starts := []int64{}
	if _, ok := l.commitOf(0); ok {
		starts = append(starts, 0)
	}
	for _, c := range l.checkpoints {
		starts = append(starts, c.version)
	}
	slices.Sort(starts)
	var spans []span
	for _, start := range starts {
		if n := len(spans); n > 0 && start <= spans[n-1].last+1 {
			if start <= spans[n-1].last {
				continue
			}
			spans[n-1].last = l.follow(start)
			continue
		}
		spans = append(spans, span{start, l.follow(start)})
	}
	return spans
}

// follow is the last version that commits lead to from one that can be made.
func (l *listing) follow(version int64) int64 {
	at, found := slices.BinarySearchFunc(l.commits, version+1, func(s step, v int64) int { return cmp.Compare(s.first, v) })
	for ; found && at < len(l.commits) && l.commits[at].first == version+1; at++ {
		version++
	}
	return version
}
