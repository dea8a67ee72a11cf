package delta

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"hyperlake/internal/storage"
)

// fileKey stands for a file together with the rows that are deleted of it, which the protocol counts as one.
type fileKey [16]byte

func keyOf(uri, vectorID string) fileKey {
	sum := sha256.Sum256([]byte(uri + "\x00" + vectorID))
	return fileKey(sum[:16])
}

// fate says what became of a file last: the number of the step of the segment, and whether it added it.
type fate struct {
	step  int32
	added bool
}

// replay is what the commits of a segment say.
type replay struct {
	segment  *segment
	protocol *protocol // nil if the checkpoint has it; so is metadata
	metadata *metadata
	said     provenance // of the version itself
	fates    map[fileKey]fate
	small    fetched
	added    map[fileKey]fileKey // by its path alone, what the step that is read adds
}

// replayCommits reads the commits of a segment, in their order. What is damaged in them is a failure that
// names the file.
func replayCommits(ctx context.Context, s *segment) (*replay, error) {
	r := &replay{segment: s, fates: map[fileKey]fate{}, small: fetch(ctx, s.steps)}
	for i, step := range s.steps {
		if err := r.replayStep(ctx, i, step); err != nil {
			return nil, err
		}
	}
	r.added = nil
	if n := len(s.steps); s.commit != nil && (n == 0 || s.steps[n-1].info.URI != s.commit.info.URI) {
		return r, r.findProvenance(ctx)
	}
	return r, nil
}

// lines visits the lines of a step.
func (r *replay) lines(ctx context.Context, step step, visit func(line []byte) error) error {
	if text, ok := r.small[step.info.URI]; ok {
		return readText(ctx, step.info.URI, bytes.NewReader(text), visit)
	}
	return readLines(ctx, step.info, visit)
}

// namesOnly is what is read of a line first.
type namesOnly struct {
	Add        *fileName       `json:"add"`
	Remove     *fileName       `json:"remove"`
	Metadata   *metadata       `json:"metaData"`
	Protocol   *protocol       `json:"protocol"`
	CommitInfo json.RawMessage `json:"commitInfo"`
}

func (r *replay) replayStep(ctx context.Context, at int, step step) error {
	count := 0
	r.added = map[fileKey]fileKey{}
	err := r.lines(ctx, step, func(line []byte) error {
		count++
		var names namesOnly
		if err := parseInto(line, &names); err != nil {
			return err
		}
		if names.Protocol != nil {
			r.protocol = names.Protocol
		}
		if names.Metadata != nil {
			r.metadata = names.Metadata
		}
		if isSet(names.CommitInfo) && step.last == r.segment.version {
			r.said = parseProvenance(names.CommitInfo)
		}
		return errors.Join(r.settle(names.Add, at, true), r.settle(names.Remove, at, false))
	})
	if err == nil && count == 0 {
		return damaged(step.info.URI, "it is empty, as after a write that was cut off")
	}
	return err
}

// settle notes that a step adds or removes a file.
func (r *replay) settle(name *fileName, at int, added bool) error {
	if name == nil {
		return nil
	}
	uri, err := resolve(r.segment.folder, name.Path)
	if err != nil {
		return &lineError{err}
	}
	key, now := keyOf(uri, name.Vector.id()), fate{int32(at), added}
	if before, ok := r.fates[key]; ok && before.step == now.step && before.added != added {
		return &lineError{fmt.Errorf("%q is both added and removed in one commit", name.Path)}
	}
	if path := keyOf(uri, ""); added {
		if before, ok := r.added[path]; ok && before != key {
			return &lineError{fmt.Errorf("%q is added twice in one commit, with different deleted rows", name.Path)}
		}
		r.added[path] = key
	}
	r.fates[key] = now
	return nil
}

// maxProvenance is how many lines of a commit are looked through for what it says about itself. The protocol has that
// in the first, where it matters; some programs write it behind the files.
const maxProvenance = 20_000

// findProvenance looks for what the version says about itself in its commit, where that was not replayed. What
// is damaged there does not matter.
func (r *replay) findProvenance(ctx context.Context) error {
	info, count := r.segment.commit.info, 0
	err := readLines(ctx, info, func(line []byte) error {
		if count++; count > maxProvenance {
			return errEnough
		}
		var names struct {
			CommitInfo json.RawMessage `json:"commitInfo"`
		}
		if json.Unmarshal(line, &names) == nil && isSet(names.CommitInfo) {
			r.said = parseProvenance(names.CommitInfo)
			return errEnough
		}
		return nil
	})
	if ctx.Err() == nil && isMissing(err) {
		return nil
	}
	return err
}

// complete takes what the commits did not say from the checkpoint.
func (r *replay) complete(head *head) error {
	if r.protocol == nil {
		r.protocol = head.protocol
	}
	if r.metadata == nil {
		r.metadata = head.metadata
	}
	place := storage.Join(r.segment.folder, logFolder)
	switch {
	case r.protocol == nil:
		return damaged(place, "neither the checkpoint nor a commit has a protocol")
	case r.metadata == nil:
		return damaged(place, "neither the checkpoint nor a commit has the metadata of the table")
	}
	return nil
}
