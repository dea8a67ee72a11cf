package storage

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	gcs "cloud.google.com/go/storage"
	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/iterator"
)

const (
	pageSize      = 1000 // objects in one answer; the service's own limit
	removeAtOnce  = 16
	listAtOnce    = 8           // folders around a pattern
	hadoopFolders = "_$folder$" // ends the names of the empty objects that Hadoop makes for folders
)

// Glob implements [Store]. Objects that stand for folders are left out.
func (g *GCS) Glob(ctx context.Context, pattern string) ([]Info, error) {
	found, _, err := g.Search(ctx, pattern, nil)
	return found, err
}

// Search implements [Store]. Marks below the part of the pattern that is none are in the same
// listing as the files.
func (g *GCS) Search(ctx context.Context, pattern string, marks []string) ([]Info, []Mark, error) {
	bucket, names, err := g.bucket(ctx, pattern)
	if err != nil {
		return nil, nil, fmt.Errorf("glob %w", err)
	}
	if strings.ContainsAny(bucket.BucketName(), `*?[{\`) {
		return nil, nil, fmt.Errorf("glob %s: the name of a bucket cannot be a pattern", pattern)
	}
	if !doublestar.ValidatePattern(names) {
		return nil, nil, fmt.Errorf("glob %s: the pattern is malformed", pattern)
	}
	query := &gcs.Query{Prefix: literalPrefix(names)}
	if _, last := doublestar.SplitPattern(names); !strings.Contains(last, "/") && !strings.Contains(last, "**") {
		query.Delimiter = "/" // what is in deeper folders cannot match
	}
	var found []Info
	around := newAround(bucket)
	err = g.list(ctx, pattern, bucket, query, func(attrs *gcs.ObjectAttrs) bool {
		marksAt(attrs.Name, marks, around.see)
		if isFile(attrs) && doublestar.MatchUnvalidated(names, attrs.Name) && !hidden(ctx, attrs.Name, names) {
			found = append(found, gcsInfo(objectURI(bucket, attrs.Name), attrs))
			around.hold(attrs.Name)
		}
		return true
	})
	if err == nil && len(marks) > 0 {
		err = g.marksAbove(ctx, bucket, names, marks, around)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("glob %w", err)
	}
	sort.Slice(found, func(i, j int) bool { return found[i].URI < found[j].URI })
	return found, around.marks(), nil
}

// Folders implements [Store].
func (g *GCS) Folders(ctx context.Context, folder string) ([]string, error) {
	bucket, name, err := g.bucket(ctx, folder)
	if err != nil {
		return nil, err
	}
	query := &gcs.Query{Prefix: insideOf(name), Delimiter: "/"}
	var names []string
	err = g.list(ctx, folder, bucket, query, func(attrs *gcs.ObjectAttrs) bool {
		if attrs.Prefix != "" {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(attrs.Prefix, query.Prefix), "/"))
		}
		return true
	})
	sort.Strings(names)
	return names, err
}

// List implements [Store].
func (g *GCS) List(ctx context.Context, folder string) ([]Info, error) {
	bucket, name, err := g.bucket(ctx, folder)
	if err != nil {
		return nil, err
	}
	var found []Info
	err = g.list(ctx, folder, bucket, &gcs.Query{Prefix: insideOf(name)}, func(attrs *gcs.ObjectAttrs) bool {
		found = append(found, gcsInfo(objectURI(bucket, attrs.Name), attrs))
		return true
	})
	return found, err
}

// insideOf is what the names of objects in a folder begin with; nothing for that of a bucket.
func insideOf(folder string) string {
	if folder = strings.TrimRight(folder, "/"); folder == "" {
		return ""
	}
	return folder + "/"
}

func objectURI(bucket *gcs.BucketHandle, name string) string {
	return gcsScheme + "://" + bucket.BucketName() + "/" + name
}

// isFile tells an object that holds data from one that stands for a folder, and from the
// common prefix of several.
func isFile(attrs *gcs.ObjectAttrs) bool {
	if attrs.Name == "" || strings.HasSuffix(attrs.Name, "/") {
		return false
	}
	return attrs.Size > 0 || !strings.HasSuffix(attrs.Name, hadoopFolders)
}

// list visits the objects that query selects, in the order of their names, until visit
// returns false. The time without an answer is bounded for each page, not for all.
func (g *GCS) list(ctx context.Context, uri string, bucket *gcs.BucketHandle, query *gcs.Query, visit func(*gcs.ObjectAttrs) bool) error {
	query.Projection = gcs.ProjectionNoACL
	if err := query.SetAttrSelection([]string{"Name", "Size", "Created", "Generation"}); err != nil {
		return err
	}
	for token := ""; ; {
		page, next, err := g.page(ctx, bucket, query, token)
		if err != nil {
			return g.explain(ctx, uri, err)
		}
		for _, attrs := range page {
			if !visit(attrs) {
				return nil
			}
		}
		if next == "" {
			return nil
		}
		token = next
	}
}

func (g *GCS) page(
	ctx context.Context, bucket *gcs.BucketHandle, query *gcs.Query, token string,
) (page []*gcs.ObjectAttrs, next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, g.options.Retry.limit())
	defer cancel()
	next, err = iterator.NewPager(bucket.Objects(ctx, query), pageSize, token).NextPage(&page)
	return page, next, err
}

// RemoveAll implements [Store]. It removes the versions that it finds, and fails with
// ErrChanged where one of them is replaced meanwhile.
func (g *GCS) RemoveAll(ctx context.Context, uri string) error {
	uri = strings.TrimRight(uri, "/")
	bucket, name, err := g.bucket(ctx, uri)
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("%s: a whole bucket is never removed", uri)
	}
	group, removing := errgroup.WithContext(ctx)
	group.SetLimit(removeAtOnce)
	err = g.list(removing, uri, bucket, &gcs.Query{Prefix: name}, func(attrs *gcs.ObjectAttrs) bool {
		if attrs.Name == name || strings.HasPrefix(attrs.Name, name+"/") {
			group.Go(func() error { return g.remove(removing, bucket, attrs) })
		}
		return removing.Err() == nil
	})
	if failed := group.Wait(); failed != nil {
		return failed
	}
	return err
}

// remove removes one version of an object. The condition makes it safe to repeat.
func (g *GCS) remove(ctx context.Context, bucket *gcs.BucketHandle, attrs *gcs.ObjectAttrs) error {
	limited, cancel := context.WithTimeout(ctx, g.options.Retry.limit())
	defer cancel()
	uri := objectURI(bucket, attrs.Name)
	object := bucket.Object(attrs.Name).If(gcs.Conditions{GenerationMatch: attrs.Generation})
	err := object.Delete(limited)
	switch {
	case errors.Is(err, gcs.ErrObjectNotExist):
		return nil // an earlier try, or somebody else
	case failedCondition(err):
		return fmt.Errorf("remove %s: %w", uri, ErrChanged)
	}
	return g.explain(ctx, uri, err)
}
