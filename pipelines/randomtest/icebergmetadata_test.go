package randomtest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/iceberg/icebergtest"
)

// snapshotID is that of the version that is read.
const snapshotID = 7

// The sequence numbers of files that delete rows before there are any, of files, and of those that delete rows of them.
const (
	staleSequence = 1 + iota
	fileSequence
	deleteSequence
)

// The specs of a table: by its keys, and before it was partitioned.
const (
	keySpec = iota
	wholeSpec
)

// writer writes the metadata of a table.
type writer struct {
	*icebergTable
	lake
	made *icebergtest.Table
}

func (d *icebergTable) writeMetadata(t testing.TB, l lake, root, recorded string) {
	t.Helper()
	w := writer{d, l, icebergtest.New(t, root)}
	w.made.Recorded = recorded
	w.made.List("list.avro", slices.Concat(w.manifests(), w.deletes())...)
	w.made.List("empty.avro")
	current, snapshots := snapshotID, []icebergtest.Object{w.made.Snapshot(snapshotID, "list.avro")}
	if d.later {
		current, snapshots = snapshotID+1, append(snapshots, w.made.Snapshot(snapshotID+1, "empty.avro"))
	}
	var fields []icebergtest.Object
	for _, c := range d.columns {
		fields = append(fields, icebergtest.Object{"id": d.ids[c.name], "name": c.name, "required": c.required, "type": icebergType(c.kind, d.ids[c.name])})
	}
	specs := []icebergtest.Object{{"spec-id": keySpec, "fields": w.specFields()}, {"spec-id": wholeSpec, "fields": []icebergtest.Object{}}}
	names, err := json.Marshal(w.names())
	require.NoError(t, err)
	w.made.Metadata("v1.metadata.json", icebergtest.Object{
		"schemas": []icebergtest.Object{icebergtest.Schema(0, fields...)}, "partition-specs": specs, "current-snapshot-id": current, "snapshots": snapshots,
		"last-column-id": droppedID, "properties": icebergtest.Object{"schema.name-mapping.default": string(names)},
	})
}

// specFields are the fields of the spec of the keys.
func (w writer) specFields() []icebergtest.Object {
	fields := []icebergtest.Object{}
	for i, key := range w.keys {
		fields = append(fields, icebergtest.Object{"source-id": w.ids[key], "field-id": 1000 + i, "name": fmt.Sprint("k", i), "transform": "identity"})
	}
	return fields
}

// names are the ids of columns of files without any.
func (w writer) names() []any {
	var all []any
	for _, c := range w.columns {
		all = append(all, namesOf(c.name, c.kind, w.ids[c.name]))
	}
	return all
}

func namesOf(name string, k *kind, id int) any {
	fields := []any{}
	if k.element != nil {
		fields = append(fields, namesOf("element", k.element, id*fieldsIn))
	}
	for i, f := range k.fields {
		fields = append(fields, namesOf(f.name, f.kind, id*fieldsIn+i))
	}
	return map[string]any{"field-id": id, "names": []string{name}, "fields": fields}
}

// spec is that of a file.
func (w writer) spec(f *file) int {
	if f.iceberg.isWhole {
		return wholeSpec
	}
	return keySpec
}

// keyKind is the kind of a key.
func (w writer) keyKind(key string) *kind {
	return w.columns[slices.IndexFunc(w.columns, func(c column) bool { return c.name == key })].kind
}

// kind is that of a manifest of a spec.
func (w writer) kind(spec int, content string, sequence int) icebergtest.Kind {
	var fields []string
	for i, key := range w.keys {
		if spec == keySpec {
			fields = append(fields, fmt.Sprintf(`{"name": "k%d", "type": ["null", %s], "default": null, "field-id": %d}`, i, avroType(w.keyKind(key), i), 1000+i))
		}
	}
	return icebergtest.Kind{Spec: spec, Content: content, Partition: strings.Join(fields, ","), Sequence: sequence}
}

// avroType is the type of the values of a key in manifests.
func avroType(k *kind, number int) string {
	switch k.class {
	case booleans:
		return `"boolean"`
	case floats:
		return `"double"`
	case texts:
		return `"string"`
	case days:
		return `{"type": "int", "logicalType": "date"}`
	case locals, instants:
		return `{"type": "long", "logicalType": "timestamp-micros"}`
	case decimals:
		return fmt.Sprintf(`{"type": "fixed", "name": "d%d", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}`, number)
	}
	if k == int32Kind {
		return `"int"`
	}
	return `"long"`
}

// partition are the values of the keys of a file.
func (w writer) partition(f *file) icebergtest.Object {
	values := icebergtest.Object{}
	for i, key := range w.keys {
		if f.iceberg.isWhole {
			break
		}
		name := fmt.Sprint("k", i)
		if values[name] = nil; f.folders[i] != nil {
			values[name] = avroValue(w.keyKind(key), keyOf(w.keyKind(key), *f.folders[i]))
		}
	}
	return values
}

func avroValue(k *kind, v any) any {
	switch v := v.(type) {
	case day:
		return int32(v)
	case moment:
		return v.count(arrow.Microsecond.Multiplier())
	case *big.Rat:
		switch {
		case k.class == decimals:
			return binary.BigEndian.AppendUint32(nil, uint32(int32(unscaled(k, v).Int64())))
		case k == int32Kind:
			return int32(v.Num().Int64())
		}
		return v.Num().Int64()
	}
	return v
}

// unscaled is a decimal in units of its last digit.
func unscaled(k *kind, v *big.Rat) *big.Int {
	_, behind := digits(k)
	one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(behind)), nil)
	return new(big.Rat).Mul(v, new(big.Rat).SetInt(one)).Num()
}

// manifests are those of the files.
func (w writer) manifests() []icebergtest.Object {
	var all []icebergtest.Object
	for number := range 2 {
		for _, spec := range []int{keySpec, wholeSpec} {
			var entries []icebergtest.Object
			for _, f := range w.files {
				if f.iceberg.manifest == number && w.spec(f) == spec {
					entries = append(entries, w.entry(f))
				}
			}
			if len(entries) == 0 {
				continue
			}
			for i := range w.gone {
				removed := icebergtest.With(entries[0]["data_file"].(icebergtest.Object), icebergtest.Object{"file_path": w.made.Path(fmt.Sprint("gone", i))})
				entries = append(entries, icebergtest.Object{"status": 2, "data_file": removed})
			}
			all = append(all, w.made.Manifest(fmt.Sprintf("m%d-%d.avro", number, spec), w.kind(spec, "data", fileSequence), entries...))
		}
	}
	return all
}

func (w writer) pathOf(f *file) string { return w.made.Path(filepath.ToSlash(f.path(w.keys))) }

func (w writer) entry(f *file) icebergtest.Object {
	info, err := os.Stat(filepath.Join(w.made.Folder, f.path(w.keys)))
	require.NoError(w.made, err)
	said := icebergtest.Object{"partition": w.partition(f), "record_count": int64(len(f.rows)), "file_size_in_bytes": info.Size()}
	if f.iceberg.isBounded {
		w.bound(f, said)
	}
	return w.made.Added(filepath.ToSlash(f.path(w.keys)), said)
}

// bound says what the values in a file are.
func (w writer) bound(f *file, said icebergtest.Object) {
	var nulls, lower, upper []icebergtest.Object
	for at, c := range f.columns {
		if c.kind.class == nests {
			continue
		}
		var values []any
		for _, row := range f.rows {
			if row[at] != nil {
				values = append(values, row[at])
			}
		}
		id := int32(w.ids[c.name])
		nulls = append(nulls, icebergtest.Object{"key": id, "value": int64(len(f.rows) - len(values))})
		least, most, ok := extremes(values)
		if !ok || slices.ContainsFunc(values, isNotUTF8) {
			continue
		}
		lower = append(lower, icebergtest.Object{"key": id, "value": boundBytes(c.kind, least, false)})
		upper = append(upper, icebergtest.Object{"key": id, "value": boundBytes(c.kind, most, true)})
	}
	said["null_value_counts"], said["lower_bounds"], said["upper_bounds"] = nulls, lower, upper
}

// boundBytes is a bound as manifests have it.
func boundBytes(k *kind, v any, upper bool) []byte {
	little := binary.LittleEndian
	switch v := v.(type) {
	case bool:
		return []byte{byte(unit(v))}
	case string:
		letters := []rune(v)
		if len(letters) <= 16 {
			return []byte(v)
		}
		if v = string(letters[:16]); upper {
			v += "\U0010ffff"
		}
		return []byte(v)
	case blob:
		return []byte(v)
	case day:
		return little.AppendUint32(nil, uint32(int32(v)))
	case clock:
		return little.AppendUint64(nil, uint64(int64(v)/1000))
	case moment:
		return little.AppendUint64(nil, uint64(v.count(arrow.Microsecond.Multiplier())))
	case float64:
		if k == float32Kind {
			return little.AppendUint32(nil, math.Float32bits(float32(v)))
		}
		return little.AppendUint64(nil, math.Float64bits(v))
	}
	n := v.(*big.Rat)
	switch {
	case k.class == decimals:
		return twosComplement(unscaled(k, n))
	case k == int32Kind:
		return little.AppendUint32(nil, uint32(int32(n.Num().Int64())))
	}
	return little.AppendUint64(nil, uint64(n.Num().Int64()))
}

// twosComplement is a number in 17 bytes, the first of which says no more than its sign.
func twosComplement(n *big.Int) []byte {
	raw := make([]byte, 17)
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return n.FillBytes(raw)
}
