package iceberg

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"hyperlake/internal/storage"
)

const (
	maxVersion  = 3         // of the format
	maxMetadata = 512 << 20 // bytes of a metadata file, as JSON
	noSnapshot  = -1        // the id that early writers gave to no snapshot
)

// metadata is what a metadata file says of a table. What readers have no use for is left out.
type metadata struct {
	Version       int              `json:"format-version"`
	Location      string           `json:"location"`
	Properties    texts            `json:"properties"`
	Schemas       []schemaEntry    `json:"schemas"`
	Schema        *schemaEntry     `json:"schema"` // of version 1
	CurrentSchema int32            `json:"current-schema-id"`
	Specs         []specEntry      `json:"partition-specs"`
	Spec          []partitionEntry `json:"partition-spec"` // of version 1
	Current       *int64           `json:"current-snapshot-id"`
	Snapshots     []snapshotEntry  `json:"snapshots"`
	Log           []logEntry       `json:"snapshot-log"`
	Refs          map[string]struct {
		Snapshot int64  `json:"snapshot-id"`
		Type     string `json:"type"`
	} `json:"refs"`
}

// snapshotEntry is a snapshot in a metadata file.
type snapshotEntry struct {
	ID       int64    `json:"snapshot-id"`
	Parent   *int64   `json:"parent-snapshot-id"`
	Time     int64    `json:"timestamp-ms"`
	List     string   `json:"manifest-list"`
	Inline   []string `json:"manifests"` // of version 1, instead of a list
	Summary  texts    `json:"summary"`
	Schema   *int32   `json:"schema-id"`
	KeyID    *string  `json:"key-id"`
	Sequence int64    `json:"sequence-number"`
}

// texts are the texts in an object. What is none is left out.
type texts map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(raw []byte) error {
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	*t = texts{}
	for key, value := range all {
		if text, ok := value.(string); ok {
			(*t)[key] = text
		}
	}
	return nil
}

// logEntry says when a snapshot became the current one.
type logEntry struct {
	Time     int64 `json:"timestamp-ms"`
	Snapshot int64 `json:"snapshot-id"`
}

// readMetadata reads a metadata file.
func readMetadata(ctx context.Context, found location) (*metadata, error) {
	uri := found.info.URI
	if found.info.Size > maxMetadata {
		return nil, refused(found.folder, "its metadata file %s has %d bytes, more than %d", uri, found.info.Size, maxMetadata)
	}
	raw, err := loadMetadata(ctx, found.info)
	if err != nil {
		return nil, unread(uri, err)
	}
	m, err := parseMetadata(raw)
	return m, explained(found.folder, uri, err)
}

// loadMetadata loads the bytes of a metadata file.
func loadMetadata(ctx context.Context, info storage.Info) ([]byte, error) {
	store, err := storage.For(info.URI)
	if err != nil {
		return nil, err
	}
	reader, err := store.Open(ctx, info)
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	_, err = reader.WriteTo(&raw)
	return raw.Bytes(), errors.Join(err, reader.Close())
}

// parseMetadata reads a metadata file, which may be compressed, whatever its name says. What is not implemented is an
// *unknown; all other errors mean that it is damaged.
func parseMetadata(raw []byte) (*metadata, error) {
	raw, err := decompress(raw, maxMetadata)
	if err != nil {
		return nil, err
	}
	var version struct {
		Number *int `json:"format-version"`
	}
	switch err := json.Unmarshal(raw, &version); {
	case err != nil:
		return nil, fmt.Errorf("it is no JSON as the specification has it: %w", err)
	case version.Number == nil || *version.Number < 1:
		return nil, errors.New("it does not say its format-version")
	case *version.Number > maxVersion:
		return nil, notImplemented("it has version %d of the format", *version.Number)
	}
	m := &metadata{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("it is no JSON as the specification has it: %w", err)
	}
	return m, m.complete()
}

// decompress undoes what a compressed file shows by its first bytes, to at most most bytes.
func decompress(raw []byte, most int64) ([]byte, error) {
	switch {
	case bytes.HasPrefix(raw, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return nil, notImplemented("its metadata file is compressed by zstd")
	case !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):
		return raw, nil
	}
	zipped, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("decompress it: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(zipped, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("decompress it: %w", err)
	case int64(len(plain)) > most:
		return nil, notImplemented("its metadata file has more than %d bytes", most)
	}
	return plain, nil
}

// complete puts what version 1 writes once where later ones have it, and checks what must be there.
func (m *metadata) complete() error {
	if len(m.Schemas) == 0 && m.Schema != nil {
		m.Schemas, m.CurrentSchema = []schemaEntry{*m.Schema}, m.Schema.ID
	}
	if len(m.Specs) == 0 && (m.Spec != nil || m.Version == 1) {
		m.Specs = []specEntry{{Fields: m.Spec}}
	}
	switch {
	case m.Location == "":
		return errors.New("it does not say its location")
	case len(m.Schemas) == 0:
		return errors.New("it has no schema")
	case len(m.Specs) == 0:
		return errors.New("it has no partition spec")
	}
	return nil
}
