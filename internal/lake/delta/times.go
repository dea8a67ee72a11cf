package delta

import (
	"context"
	"sort"
	"strconv"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
)

// timestamps says how the versions of a table are dated: by what their commits say from a version on, and before
// that by the times of the files.
type timestamps struct {
	inCommit bool
	from     int64     // the first version that is dated in its commit
	since    time.Time // when that was; zero if it is the first of all
}

// timestamps reads how versions are dated from the properties of the table.
func (m *metadata) timestamps(place string) (timestamps, error) {
	if m.Configuration["delta.enableInCommitTimestamps"] != "true" {
		return timestamps{}, nil
	}
	t := timestamps{inCommit: true}
	version, hasVersion := m.Configuration["delta.inCommitTimestampEnablementVersion"]
	since, hasTime := m.Configuration["delta.inCommitTimestampEnablementTimestamp"]
	if !hasVersion && !hasTime {
		return t, nil
	}
	from, err := strconv.ParseInt(version, 10, 64)
	millis, failed := strconv.ParseInt(since, 10, 64)
	if err != nil || failed != nil || from < 0 {
		return t, damaged(place, "its properties say that commits are dated from version %q and time %q on", version, since)
	}
	t.from, t.since = from, time.UnixMilli(millis).UTC()
	return t, nil
}

// time is that of the version; zero where its commit is gone.
func (r *replay) time() (time.Time, error) {
	if r.segment.commit == nil {
		return time.Time{}, nil
	}
	dated, err := r.metadata.timestamps(r.segment.folder)
	if err != nil {
		return time.Time{}, err
	}
	return timeOf(*r.segment.commit, dated, r.said)
}

// timeOf is the time of a commit.
func timeOf(commit step, dated timestamps, said provenance) (time.Time, error) {
	switch {
	case !dated.inCommit || commit.first < dated.from:
		return commit.info.Modified.UTC(), nil
	case said.time == 0:
		return time.Time{}, damaged(commit.info.URI, "it does not say its time, inCommitTimestamp, though the table wants it")
	}
	return time.UnixMilli(said.time).UTC(), nil
}

// snapshotAt makes the snapshot of the last version that was there at a time.
func (o opener) snapshotAt(ctx context.Context, at time.Time) (*lake.Snapshot, error) {
	latest, _ := o.log.latest()
	newest, _, _, err := o.replay(ctx, latest)
	if err != nil {
		return nil, err
	}
	dated, err := newest.metadata.timestamps(o.log.folder)
	if err != nil {
		return nil, err
	}
	version, err := o.versionAt(ctx, at, dated)
	if err != nil {
		return nil, err
	}
	return o.snapshot(ctx, version)
}

// versionAt finds the last version that was there at a time, among those that can be made and whose commits are there.
func (o opener) versionAt(ctx context.Context, at time.Time, dated timestamps) (int64, error) {
	var early, late []step // dated by their files, and in their commits
	for _, span := range o.log.readable() {
		for version := span.first; version <= span.last; version++ {
			commit, ok := o.log.commitOf(version)
			switch {
			case !ok:
			case dated.inCommit && version >= dated.from:
				late = append(late, commit)
			default:
				early = append(early, commit)
			}
		}
	}
	if len(late) > 0 && !at.Before(dated.since) {
		n, err := search(late, at, func(commit step) (time.Time, error) { return o.timeIn(ctx, commit, dated) })
		if err != nil || n >= 0 {
			return versionOf(late, n), err
		}
	}
	if n := searchFiles(early, at); n >= 0 {
		return early[n].first, nil
	}
	return 0, o.tooEarly(at)
}

// versionOf is that of the commit at an index, or none.
func versionOf(commits []step, at int) int64 {
	if at < 0 {
		return 0
	}
	return commits[at].first
}

// search finds the last commit that is not after a time, -1 if all are. Times ascend.
func search(commits []step, at time.Time, timeOf func(step) (time.Time, error)) (int, error) {
	var failed error
	first := sort.Search(len(commits), func(i int) bool {
		if failed != nil {
			return true
		}
		var is time.Time
		is, failed = timeOf(commits[i])
		return is.After(at)
	})
	return first - 1, failed
}

// searchFiles is search by the times of files. They need not ascend: a commit cannot be earlier than those
// before it, and then is a millisecond later, as Delta's own programs have it.
func searchFiles(commits []step, at time.Time) int {
	found := -1
	var before time.Time
	for i, commit := range commits {
		is := commit.info.Modified
		if i > 0 && !is.After(before) {
			is = before.Add(time.Millisecond)
		}
		if is.After(at) {
			break
		}
		found, before = i, is
	}
	return found
}

// timeIn is the time that a commit says.
func (o opener) timeIn(ctx context.Context, commit step, dated timestamps) (time.Time, error) {
	one := &replay{segment: &segment{folder: o.log.folder, version: commit.first, commit: &commit}}
	if err := one.findProvenance(ctx); err != nil {
		return time.Time{}, err
	}
	return timeOf(commit, dated, one.said)
}

// tooEarly is the failure of a time before all versions.
func (o opener) tooEarly(at time.Time) error {
	return failure.New(failure.Source, "the Delta table %s has no version from %s or before that could be read",
		o.log.folder, at.Format(time.RFC3339Nano)).
		WithHint("versions that can be read: %s", o.log.versions()).BeforeData()
}
