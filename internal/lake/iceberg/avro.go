package iceberg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/twmb/avro"
	"github.com/twmb/avro/atype"
	"github.com/twmb/avro/ocf"

	"hyperlake/internal/storage"
)

const (
	maxBlock   = 256 << 20 // bytes of a block of Avro, as it is stored and decompressed
	readBuffer = 256 << 10 // bytes that are read at once
)

// rawTypes keep values of logical types as they are stored.
var rawTypes = func() []avro.SchemaOpt {
	options := []avro.SchemaOpt{avro.WithLaxNames(nil)}
	for _, name := range []string{
		"date", "time-millis", "time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos",
		"local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos", "decimal", "uuid", "duration",
	} {
		options = append(options, avro.CustomType{LogicalType: name, Decode: func(v any, _ *avro.SchemaNode) (any, error) { return v, nil }})
	}
	return options
}()

// beginner is told what a file of Avro says of its records and itself. It leaves those fields in the schema that are read.
type beginner func(records *avro.SchemaNode, said map[string][]byte) error

// readAvro visits the records of a file of Avro: begin is called once, and then next, until it says io.EOF as
// the reader does. Errors of both come back as they are.
func readAvro(ctx context.Context, info storage.Info, begin beginner, next func(*ocf.Reader) error) error {
	store, err := storage.For(info.URI)
	if err != nil {
		return unread(info.URI, err)
	}
	file, err := store.Open(ctx, info)
	if err != nil {
		return unread(info.URI, err)
	}
	defer file.Close()
	file.Prepare([]storage.Range{{Start: 0, Length: file.Size()}})
	source := &noted{reader: io.NewSectionReader(file, 0, file.Size())}
	err = readRecords(ctx, source, begin, next)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case source.failed != nil:
		return unread(info.URI, source.failed)
	}
	return err
}

func readRecords(ctx context.Context, source io.Reader, begin beginner, next func(*ocf.Reader) error) error {
	records, err := ocf.NewReader(bufio.NewReaderSize(source, readBuffer),
		ocf.WithMaxBlockBytes(maxBlock), ocf.WithMaxDecompressedBlockBytes(maxBlock), ocf.WithSchemaOpts(rawTypes...),
		ocf.WithReaderSchemaFunc(func(r *ocf.Reader) (*avro.Schema, error) {
			root := r.Schema().Root()
			if err := begin(root, r.Metadata()); err != nil {
				return nil, err
			}
			return root.Schema(rawTypes...)
		}))
	if err != nil {
		return err
	}
	for err == nil {
		if err = ctx.Err(); err == nil {
			err = next(records)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, records.Close())
}

// noted is a reader that keeps why it failed.
type noted struct {
	reader io.Reader
	failed error
}

// Read implements io.Reader.
func (n *noted) Read(into []byte) (int, error) {
	count, err := n.reader.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		n.failed = err
	}
	return count, err
}

// fieldOf is the field of a record that has a name.
func fieldOf(record *avro.SchemaNode, name string) (*avro.SchemaField, bool) {
	for i := range record.Fields {
		if record.Fields[i].Name == name {
			return &record.Fields[i], true
		}
	}
	return nil, false
}

// choose leaves those fields of a record that have one of the names, and fails unless it has those that must be there.
func choose(record *avro.SchemaNode, must []string, may ...string) error {
	if record.Type != atype.Record {
		return errors.New("it has no records as the specification has them")
	}
	for _, name := range must {
		if _, ok := fieldOf(record, name); !ok {
			return fmt.Errorf("its records have no field %q", name)
		}
	}
	record.Fields = slices.DeleteFunc(record.Fields, func(field avro.SchemaField) bool {
		return !slices.Contains(must, field.Name) && !slices.Contains(may, field.Name)
	})
	return nil
}
