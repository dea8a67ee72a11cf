package storage

import (
	"context"
	"strings"
	"time"
)

// Unfinished is an upload that was begun and neither completed nor aborted. Nobody sees what was sent, and some storage keeps it, at
// a price, until it is aborted.
type Unfinished struct {
	URI   string // of the file that it would have made
	Begun time.Time

	store   *Objects
	service keeping
	at      address
	id      string
}

// keeping is a service that keeps unfinished uploads.
type keeping interface {
	// unfinished lists those of a bucket for objects whose names begin with prefix.
	unfinished(ctx context.Context, bucket, prefix string) ([]Unfinished, error)

	// abort has the service forget an upload. One that it does not know is no error.
	abort(ctx context.Context, at address, id string) error
}

// FindUnfinished lists the unfinished uploads of a file, and of those below the folder of that name. Storage that forgets them by
// itself has none.
func FindUnfinished(ctx context.Context, uri string) ([]Unfinished, error) {
	store, err := For(uri)
	if err != nil {
		return nil, err
	}
	objects, _ := store.(*Objects)
	if objects == nil {
		return nil, nil
	}
	service, keeps := objects.service.(keeping)
	if !keeps {
		return nil, nil
	}
	at, err := objects.locate(uri)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, objects.options.Retry.limit())
	defer cancel()
	name := strings.TrimRight(at.name, "/")
	all, err := service.unfinished(limited, at.bucket, name)
	if err != nil {
		return nil, objects.explain(ctx, uri, err)
	}
	var found []Unfinished
	for _, upload := range all {
		if name == "" || upload.at.name == name || strings.HasPrefix(upload.at.name, name+"/") {
			upload.URI, upload.store, upload.service = objects.uri(upload.at), objects, service
			found = append(found, upload)
		}
	}
	return found, nil
}

// Abort has the storage forget the upload. One that was finished or aborted meanwhile is no error.
func (u Unfinished) Abort(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, u.store.options.Retry.limit())
	defer cancel()
	return u.store.explain(ctx, u.URI, u.service.abort(limited, u.at, u.id))
}
