package delta

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// recordError says what is wrong with a record of a checkpoint.
type recordError struct{ err error }

func (e *recordError) Error() string { return e.err.Error() }
func (e *recordError) Unwrap() error { return e.err }

// recordFailure is the failure of a file of Parquet that was read.
func recordFailure(uri string, err error) error {
	var bad *recordError
	if errors.As(err, &bad) {
		return damaged(uri, "%w", err)
	}
	if err != nil {
		return unread(uri, err)
	}
	return nil
}

// actionReaders read a row of a column.
var actionReaders = map[string]func(g group, row int, into *action){
	addColumn:      readAdd,
	protocolColumn: readProtocol,
	metadataColumn: readMetadata,
	sidecarColumn:  readSidecar,
}

// recordActions visits the actions of a record of a checkpoint. Those that are not known are left out.
func recordActions(record arrow.Record, visit func(action) error) error {
	for at, field := range record.Schema().Fields() {
		read, ok := actionReaders[field.Name]
		if !ok {
			continue
		}
		column, isStruct := record.Column(at).(*array.Struct)
		if !isStruct {
			return &recordError{fmt.Errorf("its column %q is %s, and no structure", field.Name, field.Type)}
		}
		g := newGroup(field.Name, column)
		for row := range column.Len() {
			if column.IsNull(row) {
				continue
			}
			var a action
			read(g, row, &a)
			if g.failed.err != nil {
				return &recordError{g.failed.err}
			}
			if err := visit(a); err != nil {
				return err
			}
		}
	}
	return nil
}

func readAdd(g group, row int, into *action) {
	add := &addAction{
		fileName:  fileName{Path: g.text("path", row), Vector: readVector(g.group("deletionVector"), row)},
		Partition: g.texts("partitionValues", row),
		Size:      g.integer("size", row), Modified: g.integer("modificationTime", row), Stats: g.text("stats", row),
	}
	if parsed := g.group("partitionValues_parsed"); add.Partition == nil && parsed.has(row) {
		add.Partition = parsed.valueTexts(row)
	}
	if parsed := g.group("stats_parsed"); parsed.has(row) {
		add.parsed = &parsedStatistics{parsed, row}
	}
	into.Add = add
}

func readVector(g group, row int) *vectorDescriptor {
	if !g.hasValue("storageType", row) { // writers differ in what of it is NULL where there is none
		return nil
	}
	d := &vectorDescriptor{
		Storage: g.text("storageType", row), Place: g.text("pathOrInlineDv", row),
		Size: g.integer("sizeInBytes", row), Cardinality: g.integer("cardinality", row),
	}
	if g.hasValue("offset", row) {
		offset := g.integer("offset", row)
		d.Offset = &offset
	}
	return d
}

func readProtocol(g group, row int, into *action) {
	p := &protocol{Reader: int(g.integer("minReaderVersion", row))}
	if g.hasValue("readerFeatures", row) {
		features := g.list("readerFeatures", row)
		p.Features = &features
	}
	into.Protocol = p
}

func readMetadata(g group, row int, into *action) {
	m := &metadata{
		Schema: g.text("schemaString", row), Partition: g.list("partitionColumns", row), Configuration: map[string]string{},
	}
	m.Format.Provider = g.group("format").text("provider", row)
	for key, value := range g.texts("configuration", row) {
		if value != nil {
			m.Configuration[key] = *value
		}
	}
	into.Metadata = m
}

func readSidecar(g group, row int, into *action) {
	into.Sidecar = &sidecar{Path: g.text("path", row), Size: g.integer("sizeInBytes", row)}
}
