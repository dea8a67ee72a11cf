package storage

import (
	"context"
	"encoding/json"
	"fmt"
)

// Put writes a file whole, atomically, replacing what stood there. Missing folders are made. An
// error leaves what stood there, but for the one exception of [Writer.Commit].
func Put(ctx context.Context, uri string, data []byte) error {
	store, err := For(uri)
	if err != nil {
		return err
	}
	return store.Put(ctx, uri, data)
}

// PutJSON is [Put] of a value as JSON. One that has no such form is an error before anything is written.
func PutJSON(ctx context.Context, uri string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", uri, err)
	}
	return Put(ctx, uri, data)
}

// GetJSON reads a value that is in JSON. What it does not have stays in value as it is. A missing file
// is fs.ErrNotExist; one that is no such JSON is an error that names it.
func GetJSON(ctx context.Context, uri string, value any) error {
	store, err := For(uri)
	if err != nil {
		return err
	}
	data, err := store.Get(ctx, uri)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("decode %s: %w", uri, err)
	}
	return nil
}

// Remove removes a file, or a folder with all it holds. One that is not there is no error.
func Remove(ctx context.Context, uri string) error {
	store, err := For(uri)
	if err != nil {
		return err
	}
	return store.RemoveAll(ctx, uri)
}

// Stat describes one file or folder. A missing one is an error, fs.ErrNotExist.
func Stat(ctx context.Context, uri string) (Info, error) {
	store, err := For(uri)
	if err != nil {
		return Info{}, err
	}
	return store.Stat(ctx, uri)
}
