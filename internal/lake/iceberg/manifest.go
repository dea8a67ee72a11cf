package iceberg

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/avro"
	"github.com/twmb/avro/atype"
	"github.com/twmb/avro/ocf"

	"hyperlake/internal/storage"
)

// What happened to a file in the snapshot that wrote a manifest.
const (
	statusExisting = 0
	statusAdded    = 1
	statusDeleted  = 2
)

// formatParquet is the one format of data that is read, and formatPuffin that of deletion vectors.
const (
	formatParquet = "PARQUET"
	formatPuffin  = "PUFFIN"
)

// entry is an entry of a manifest.
type entry struct {
	Status   int32     `avro:"status"`
	Sequence *int64    `avro:"sequence_number"`
	File     fileEntry `avro:"data_file"`

	partition []any // its values, in the order of the spec; nil is NULL
	spec      int32
	sequence  int64
}

// fileEntry is a file in a manifest.
type fileEntry struct {
	Content    int32          `avro:"content"`
	Path       string         `avro:"file_path"`
	Format     string         `avro:"file_format"`
	Partition  map[string]any `avro:"partition"`
	Rows       int64          `avro:"record_count"`
	Size       int64          `avro:"file_size_in_bytes"`
	Nulls      []countEntry   `avro:"null_value_counts"`
	Lower      []boundEntry   `avro:"lower_bounds"`
	Upper      []boundEntry   `avro:"upper_bounds"`
	Key        []byte         `avro:"key_metadata"`
	Fields     []int32        `avro:"equality_ids"`
	Referenced *string        `avro:"referenced_data_file"`
	Offset     *int64         `avro:"content_offset"`
	Length     *int64         `avro:"content_size_in_bytes"`
}

// countEntry is a number that a manifest has of a column.
type countEntry struct {
	Field int32 `avro:"key"`
	Count int64 `avro:"value"`
}

// boundEntry is a bound that a manifest has of a column.
type boundEntry struct {
	Field int32  `avro:"key"`
	Value []byte `avro:"value"`
}

// manifestReader reads the entries of a manifest.
type manifestReader struct {
	manifest  manifest
	spec      *spec
	hasBounds bool     // whether what is said of values is wanted
	isDecimal []bool   // whether the fields of the spec are decimals in the records of the manifest
	names     []string // of the fields of the spec in the records of the manifest; "" if they lack one
}

// entries visits the entries of a manifest whose files count, with what is said of their values or without.
func (t *table) entries(ctx context.Context, m manifest, hasBounds bool, visit func(*entry) error) error {
	info, err := storage.Stat(ctx, m.uri)
	if err != nil {
		return unread(m.uri, err)
	}
	if info.Size < m.Length {
		return damaged(m.uri, "it is cut off: it has %d bytes, and not %d", info.Size, m.Length)
	}
	reader := &manifestReader{manifest: m, spec: t.specs[m.Spec], hasBounds: hasBounds}
	err = readAvro(ctx, info, reader.begin, func(r *ocf.Reader) error {
		e, err := reader.next(r)
		if err != nil || e == nil {
			return err
		}
		return visit(e)
	})
	return explained(t.paths.folder, m.uri, err)
}

// The fields of entries and of files that are read.
var (
	entryFields = []string{"status", "data_file"}
	fileFields  = []string{"file_path", "file_format", "partition", "record_count", "file_size_in_bytes"}
	moreFields  = []string{"content", "key_metadata", "equality_ids", "referenced_data_file", "content_offset", "content_size_in_bytes"}
	boundFields = []string{"null_value_counts", "lower_bounds", "upper_bounds"}
)

// begin checks what a manifest says of itself.
func (r *manifestReader) begin(records *avro.SchemaNode, said map[string][]byte) error {
	if err := choose(records, entryFields, "sequence_number"); err != nil {
		return err
	}
	file, _ := fieldOf(records, "data_file")
	more := moreFields
	if r.hasBounds {
		more = slices.Concat(moreFields, boundFields)
	}
	if err := choose(&file.Type, fileFields, more...); err != nil {
		return err
	}
	if version, ok := said["format-version"]; ok {
		if n, err := strconv.Atoi(string(version)); err != nil || n > maxVersion {
			return notImplemented("a manifest has version %q of the format", version)
		}
	}
	if id, ok := said["partition-spec-id"]; ok && string(id) != strconv.Itoa(int(r.manifest.Spec)) {
		return fmt.Errorf("it is of the partition spec %q, but the snapshot says %d", id, r.manifest.Spec)
	}
	content := map[string]int32{"": contentData, "data": contentData, "deletes": contentDelete}
	if is, ok := content[string(said["content"])]; !ok || is != r.manifest.Content {
		return fmt.Errorf("it has contents of kind %q, but the snapshot says %d", said["content"], r.manifest.Content)
	}
	partition, _ := fieldOf(&file.Type, "partition")
	return r.name(&partition.Type)
}

// name finds the fields of the spec in the records of the manifest: by their ids, or where these have none, by their order.
func (r *manifestReader) name(record *avro.SchemaNode) error {
	if record.Type != atype.Record {
		return fmt.Errorf("its partition values are no records, but %q", record.Type)
	}
	ids, decimals := map[int32]string{}, map[string]bool{}
	for _, field := range record.Fields {
		decimals[field.Name] = isDecimal(&field.Type)
		if id, ok := field.Props["field-id"].(int64); ok {
			ids[int32(id)] = field.Name
		}
	}
	r.names, r.isDecimal = make([]string, len(r.spec.fields)), make([]bool, len(r.spec.fields))
	for i, field := range r.spec.fields {
		switch name, ok := ids[field.id]; {
		case ok:
			r.names[i] = name
		case len(ids) == 0 && len(record.Fields) == len(r.names):
			r.names[i] = record.Fields[i].Name
		case field.transform.name != void:
			return fmt.Errorf("its records have no value for the partition field %d", field.id)
		}
		r.isDecimal[i] = decimals[r.names[i]]
	}
	return nil
}

// isDecimal says whether a type, or one of those that it may be, is a decimal.
func isDecimal(t *avro.SchemaNode) bool {
	is := func(b avro.SchemaNode) bool { return b.LogicalType == atype.Decimal }
	return is(*t) || slices.ContainsFunc(t.Branches, is)
}

// next reads an entry; nil if its file does not count.
func (r *manifestReader) next(file *ocf.Reader) (*entry, error) {
	e := &entry{spec: r.manifest.Spec}
	if err := file.Decode(e); err != nil {
		return nil, err
	}
	f := &e.File
	switch {
	case e.Status == statusDeleted:
		return nil, nil
	case e.Status != statusExisting && e.Status != statusAdded:
		return nil, fmt.Errorf("the file %s has the status %d", f.Path, e.Status)
	case f.Path == "" || f.Rows < 0 || f.Size < 0:
		return nil, fmt.Errorf("the file %q has %d rows in %d bytes", f.Path, f.Rows, f.Size)
	case (f.Content != contentData) != (r.manifest.Content == contentDelete) || f.Content < 0 || f.Content > fileValues:
		return nil, fmt.Errorf("the file %s has contents of kind %d in a manifest of kind %d", f.Path, f.Content, r.manifest.Content)
	case len(f.Key) > 0:
		return nil, notImplemented("its file %s is encrypted", f.Path)
	}
	switch {
	case e.Sequence != nil:
		e.sequence = *e.Sequence
	case e.Status == statusAdded || r.manifest.Sequence == 0:
		e.sequence = r.manifest.Sequence
	default:
		return nil, fmt.Errorf("the file %s has no sequence number, and was not added by the manifest", f.Path)
	}
	e.partition = make([]any, len(r.names))
	for i, name := range r.names {
		value, err := plainValue(f.Partition[name])
		if err != nil {
			return nil, fmt.Errorf("the file %s: a partition value: %w", f.Path, err)
		}
		if raw, ok := value.([]byte); ok && r.isDecimal[i] {
			value = shortest(raw)
		}
		e.partition[i] = value
	}
	return e, nil
}
