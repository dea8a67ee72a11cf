package iceberg

import (
	"context"

	"fmt"

	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"

	"hyperlake/internal/storage"
)

// What manifests hold, and files that they name.
const (
	contentData   = 0
	contentDelete = 1 // of a manifest

	filePositions = 1 // of a file that deletes rows
	fileValues    = 2
)

// manifest is a manifest in the list of a snapshot.
type manifest struct {
	Path     string `avro:"manifest_path"`
	Length   int64  `avro:"manifest_length"`
	Spec     int32  `avro:"partition_spec_id"`
	Content  int32  `avro:"content"`
	Sequence int64  `avro:"sequence_number"`
	Added    *int32 `avro:"added_files_count"` // the counts are nil where early writers named them otherwise
	Existing *int32 `avro:"existing_files_count"`
	Key      []byte `avro:"key_metadata"`

	uri string
}

// The fields of a list that are read.
var (
	listFields     = []string{"manifest_path", "manifest_length", "partition_spec_id"}
	moreListFields = []string{"content", "sequence_number", "added_files_count", "existing_files_count", "key_metadata"}
)

// isEmpty says whether the list says that no file of the manifest counts.
func (m manifest) isEmpty() bool {
	return m.Added != nil && m.Existing != nil && *m.Added == 0 && *m.Existing == 0
}

// manifests reads which manifests a snapshot has, those without any file that counts left out.
func (t *table) manifests(ctx context.Context, said *snapshotEntry) ([]manifest, error) {
	switch {
	case said.KeyID != nil && *said.KeyID != "":
		return nil, refused(t.paths.folder, "it is encrypted, which is not implemented")
	case said.List == "":
		return t.inline(said)
	}
	uri, err := t.paths.resolve(said.List)
	if err != nil {
		return nil, explained(t.paths.folder, t.file, fmt.Errorf("the manifest list of snapshot %d: %w", said.ID, err))
	}
	info, err := storage.Stat(ctx, uri)
	if err != nil {
		return nil, unread(uri, err)
	}
	var all []manifest
	err = readAvro(ctx, info, func(records *avro.SchemaNode, _ map[string][]byte) error {
		return choose(records, listFields, moreListFields...)
	}, func(r *ocf.Reader) error {
		var m manifest
		if err := r.Decode(&m); err != nil {
			return err
		}
		if m.isEmpty() {
			return nil
		}
		all = append(all, m)
		return t.check(&all[len(all)-1])
	})
	return all, explained(t.paths.folder, uri, err)
}

// check checks what a list says of a manifest, and finds it.
func (t *table) check(m *manifest) (err error) {
	switch {
	case len(m.Key) > 0:
		return notImplemented("its manifest %s is encrypted", m.Path)
	case m.Content != contentData && m.Content != contentDelete:
		return fmt.Errorf("the manifest %s has contents of kind %d", m.Path, m.Content)
	case m.Sequence < 0 || m.Length < 0:
		return fmt.Errorf("the manifest %s has %d bytes and the sequence number %d", m.Path, m.Length, m.Sequence)
	case t.specs[m.Spec] == nil:
		return fmt.Errorf("the manifest %s: %w: %d", m.Path, errNoSpec, m.Spec)
	}
	m.uri, err = t.paths.resolve(m.Path)
	return err
}

// inline are the manifests of a snapshot of version 1 that has them in the metadata file.
func (t *table) inline(said *snapshotEntry) ([]manifest, error) {
	if said.Inline == nil {
		return nil, damaged(t.file, "the snapshot %d has no manifest list", said.ID)
	}
	all := make([]manifest, len(said.Inline))
	for i, path := range said.Inline {
		uri, err := t.paths.resolve(path)
		if err != nil {
			return nil, explained(t.paths.folder, t.file, err)
		}
		all[i] = manifest{Path: path, uri: uri}
		if len(t.Specs) != 1 {
			return nil, refused(t.paths.folder, "its snapshot has no manifest list but several partition specs, which is not implemented")
		}
		all[i].Spec = t.Specs[0].ID
	}
	return all, nil
}
