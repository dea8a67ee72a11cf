package ingest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
)

// discarding is a sink that keeps nothing.
type discarding struct{ rows, rejects int64 }

func (d *discarding) Batch(_ context.Context, rows arrow.Record) error {
	d.rows += rows.NumRows()
	return nil
}

func (d *discarding) Reject(context.Context, Reject) error {
	d.rejects++
	return nil
}

// benchColumns are those of the rows of benchTuples.
var benchColumns = []postgresColumn{
	{name: "id", kind: "bigint", oid: pgtype.Int8OID, data: arrow.PrimitiveTypes.Int64},
	{name: "customer", kind: "text", oid: pgtype.TextOID, data: arrow.BinaryTypes.String},
	{name: "amount", kind: "numeric(12,2)", oid: pgtype.NumericOID, data: &arrow.Decimal128Type{Precision: 12, Scale: 2}},
	{name: "day", kind: "date", oid: pgtype.DateOID, data: arrow.FixedWidthTypes.Date32},
	{name: "at", kind: "timestamp", oid: pgtype.TimestampOID, data: localTime},
	{name: "note", kind: "text", oid: pgtype.TextOID, data: arrow.BinaryTypes.String},
}

// benchTuples are rows as a server sends them, one message each.
func benchTuples(rows int) (messages [][]byte) {
	for i := range uint64(rows) {
		var note []byte
		if i%4 == 0 {
			note = []byte(`a note, with "quotes" and a comma`)
		}
		day := binary.BigEndian.AppendUint32(nil, uint32(9000+i%900))
		fields := [][]byte{
			binary.BigEndian.AppendUint64(nil, 7_000_000+i), fmt.Appendf(nil, "customer %d", i%5000),
			numericBytes(0, 0, 2, uint16(i%900), uint16(i%100*100)), day, binary.BigEndian.AppendUint64(nil, 800_000_000_000_000+i*1_000_003), note,
		}
		message := binary.BigEndian.AppendUint16(nil, uint16(len(fields)))
		for _, field := range fields {
			if field == nil {
				message = binary.BigEndian.AppendUint32(message, math.MaxUint32)
				continue
			}
			message = append(binary.BigEndian.AppendUint32(message, uint32(len(field))), field...)
		}
		messages = append(messages, message)
	}
	return messages
}

// BenchmarkPostgresRows makes batches of rows that a server sent, without the server and the network.
func BenchmarkPostgresRows(b *testing.B) {
	messages := benchTuples(5_000)
	p := &Postgres{columns: benchColumns}
	fields := make([]arrow.Field, len(benchColumns))
	for i, column := range benchColumns {
		fields[i] = arrow.Field{Name: column.name, Type: column.data, Nullable: true}
	}
	header := append(append([]byte{}, copySignature...), make([]byte, 8)...)
	sink := &discarding{}
	rows, err := p.newRows(b.Context(), "", arrow.NewSchema(fields, nil), sink)
	require.NoError(b, err)
	for b.Loop() {
		sink.rows = 0
		reader := &copyReader{columns: len(fields), row: rows.add}
		_, err := reader.Write(header)
		require.NoError(b, err)
		for _, message := range messages {
			if _, err := reader.Write(message); err != nil {
				b.Fatal(err)
			}
		}
		require.NoError(b, rows.flush())
		require.EqualValues(b, len(messages), sink.rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(messages)), "ns/row")
}
