package delta

import (
	"errors"
	"fmt"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// segment is the part of a log that makes a version.
type segment struct {
	folder  string
	version int64
	base    *checkpoint // nil if the commits begin with the first of all
	steps   []step      // that lead from there to the version
	commit  *step       // the commit of the version itself; nil if it is gone
}

// errGap says that a commit is not where others are.
var errGap = errors.New("is missing, others after it are there")

// segment finds the files that make a version. One that the log does not know of, or whose commits were
// cleaned up, is a failure that was known early and says which versions there are; a commit that is missing among
// others is one of a damaged log.
func (l *listing) segment(version int64) (*segment, error) {
	latest, ok := l.latest()
	switch {
	case !ok:
		return nil, failure.New(failure.Source, "%s is no Delta table: there is neither a commit nor a checkpoint in %s",
			l.folder, storage.Join(l.folder, logFolder)).BeforeData()
	case version < 0 || version > latest:
		return nil, l.missing("the Delta table %s has no version %d", l.folder, version)
	}
	s := &segment{folder: l.folder, version: version}
	if commit, ok := l.commitOf(version); ok {
		s.commit = &commit
	}
	from := int64(0)
	for i := range l.checkpoints {
		if c := &l.checkpoints[i]; c.version <= version {
			s.base, from = c, c.version+1
		}
	}
	if _, ok := l.commitOf(0); s.base == nil && !ok {
		return nil, l.missing("version %d of the Delta table %s cannot be made any more: its log was cleaned up", version, l.folder)
	}
	for from <= version {
		next, ok := l.next(from, version)
		if !ok {
			return nil, damaged(storage.Join(l.folder, logFolder), "the commit %020d.json %w", from, errGap).
				WithHint("restore the file, or read other versions (source.version): %s", l.versions())
		}
		s.steps = append(s.steps, next)
		from = next.last + 1
	}
	return s, nil
}

// infos are the files themselves.
func (s *segment) infos() []storage.Info {
	var infos []storage.Info
	if s.base != nil {
		infos = append(infos, s.base.parts...)
	}
	for _, step := range s.steps {
		infos = append(infos, step.info)
	}
	return infos
}

// next is the file that leads on from the version before one, as far as possible, but not beyond the last.
func (l *listing) next(version, last int64) (step, bool) {
	next, found := l.commitOf(version)
	for _, c := range l.compacted {
		if c.first == version && c.last <= last && (!found || c.last > next.last) {
			next, found = c, true
		}
	}
	return next, found
}

// missing is the failure of a version that cannot be made.
func (l *listing) missing(format string, args ...any) error {
	return failure.New(failure.Source, "%w", fmt.Errorf(format, args...)).
		WithHint("versions that can be read: %s", l.versions()).BeforeData()
}

// maxSpans is how many spans of versions a message names.
const maxSpans = 5

// versions names those that can be read, for people.
func (l *listing) versions() string {
	var names []string
	for _, span := range l.readable() {
		names = append(names, span.String())
	}
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > maxSpans:
		names = append(names[:maxSpans-1], "… "+names[len(names)-1])
	}
	return strings.Join(names, ", ")
}
