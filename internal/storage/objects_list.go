package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sync/errgroup"
)

const (
	removeAtOnce  = 16
	listAtOnce    = 8           // folders around a pattern
	hadoopFolders = "_$folder$" // ends the names of the empty objects that Hadoop makes for folders
)

// Glob implements [Store]. Objects that stand for folders are left out.
func (o *Objects) Glob(ctx context.Context, pattern string) ([]Info, error) {
	found, _, err := o.Search(ctx, pattern, nil)
	return found, err
}

// Search implements [Store]. Marks below the part of the pattern that is none are in the same
// listing as the files.
func (o *Objects) Search(ctx context.Context, pattern string, marks []string) ([]Info, []Mark, error) {
	at, err := o.locate(pattern)
	if err != nil {
		return nil, nil, fmt.Errorf("glob %w", err)
	}
	names := at.name
	if strings.ContainsAny(at.bucket, `*?[{\`) {
		return nil, nil, fmt.Errorf("glob %s: the name of a bucket cannot be a pattern", pattern)
	}
	if !doublestar.ValidatePattern(names) {
		return nil, nil, fmt.Errorf("glob %s: the pattern is malformed", pattern)
	}
	asked := query{prefix: literalPrefix(names)}
	if _, last := doublestar.SplitPattern(names); !strings.Contains(last, "/") && !strings.Contains(last, "**") {
		asked.flat = true // what is in deeper folders cannot match
	}
	var found []Info
	around := newAround(o.service, at.bucket)
	err = o.list(ctx, pattern, at.bucket, asked, func(e entry) bool {
		marksAt(e.name, marks, around.see)
		if e.isFile() && doublestar.MatchUnvalidated(names, e.name) && !hidden(ctx, e.name, names) {
			found = append(found, e.info(o.uri(address{at.bucket, e.name})))
			around.hold(e.name)
		}
		return true
	})
	if err == nil && len(marks) > 0 {
		err = o.marksAbove(ctx, names, marks, around)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("glob %w", err)
	}
	sort.Slice(found, func(i, j int) bool { return found[i].URI < found[j].URI })
	return found, around.marks(), nil
}

// Folders implements [Store].
func (o *Objects) Folders(ctx context.Context, folder string) ([]string, error) {
	at, err := o.locate(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	err = o.list(ctx, folder, at.bucket, query{prefix: at.inside(), flat: true}, func(e entry) bool {
		if e.folder != "" {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(e.folder, at.inside()), "/"))
		}
		return true
	})
	sort.Strings(names)
	return names, err
}

// List implements [Store].
func (o *Objects) List(ctx context.Context, folder string) ([]Info, error) {
	at, err := o.locate(folder)
	if err != nil {
		return nil, err
	}
	var found []Info
	err = o.list(ctx, folder, at.bucket, query{prefix: at.inside()}, func(e entry) bool {
		found = append(found, e.info(o.uri(address{at.bucket, e.name})))
		return true
	})
	return found, err
}

// list visits the objects that a query selects, in the order of their names, until visit
// returns false. The time without an answer is bounded for each page, not for all.
func (o *Objects) list(ctx context.Context, uri, bucket string, asked query, visit func(entry) bool) error {
	var seen pages
	for token := ""; ; {
		page, next, err := o.limitedPage(ctx, bucket, asked, token)
		if err != nil {
			return o.explain(ctx, uri, err)
		}
		for _, e := range page {
			if !visit(e) {
				return nil
			}
		}
		if next == "" {
			return nil
		}
		if err := seen.turn(next); err != nil {
			return fmt.Errorf("%s: %w", uri, err)
		}
		token = next
	}
}

// pages notices that a listing goes round: that one of its pages comes again. It keeps one page in mind, after one, two, four and so on
// (Brent's algorithm), so that its memory does not grow with the listing, which may be twice as long as the round plus what is before.
type pages struct {
	kept         string // what stands for the page that is kept in mind
	since, power int    // pages since then, and until the next is kept instead
}

// turn goes on to the page that a token stands for.
func (p *pages) turn(token string) error {
	if p.power > 0 && token == p.kept {
		return hinted{
			error: errors.New("the service lists the same page again and again"),
			hint:  "report it to who runs the service, or take another one",
		}
	}
	if p.since++; p.since > p.power {
		p.kept, p.since, p.power = token, 0, max(1, 2*p.power)
	}
	return nil
}

func (o *Objects) limitedPage(ctx context.Context, bucket string, asked query, token string) ([]entry, string, error) {
	ctx, cancel := context.WithTimeout(ctx, o.options.Retry.limit())
	defer cancel()
	return o.page(ctx, bucket, asked, token)
}

// RemoveAll implements [Store]. It removes the versions that it finds, and fails with
// ErrChanged where one of them is replaced meanwhile.
func (o *Objects) RemoveAll(ctx context.Context, uri string) error {
	uri = strings.TrimRight(uri, "/")
	at, err := o.locate(uri)
	if err != nil {
		return err
	}
	if at.name == "" {
		return fmt.Errorf("%s: a whole bucket is never removed", uri)
	}
	group, removing := errgroup.WithContext(ctx)
	group.SetLimit(removeAtOnce)
	var folders []address
	err = o.list(removing, uri, at.bucket, query{prefix: at.name}, func(e entry) bool {
		switch {
		case e.name != at.name && !strings.HasPrefix(e.name, at.name+"/"):
		case e.isFolder:
			folders = append(folders, address{at.bucket, e.name})
		default:
			group.Go(func() error { return o.removeOne(removing, address{at.bucket, e.name}, e.version) })
		}
		return removing.Err() == nil
	})
	if failed := group.Wait(); failed != nil {
		return failed
	}
	for _, folder := range slices.Backward(folders) { // after what is in them
		if err == nil {
			err = o.removeOne(ctx, folder, "")
		}
	}
	return err
}

// removeOne removes one version of an object, or whatever stands there if it is empty.
func (o *Objects) removeOne(ctx context.Context, p address, version string) error {
	limited, cancel := context.WithTimeout(ctx, o.options.Retry.limit())
	defer cancel()
	err := o.explain(ctx, o.uri(p), o.remove(limited, p, version))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil // that is an earlier try, or somebody else
	}
	return fmt.Errorf("remove %w", err)
}
