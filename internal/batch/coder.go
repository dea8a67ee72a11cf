package batch

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

func init() {
	beam.RegisterCoder(reflect.TypeOf((*Batch)(nil)).Elem(), encodeBatch, decodeBatch)
	beam.RegisterCoder(reflect.TypeOf((*Rejects)(nil)).Elem(), encodeRejects, decodeRejects)
}

// An encoded element is the length of its head (uvarint), the head as JSON, and the
// record, unless there is none, as an Arrow IPC stream of one batch.

type batchHead struct {
	Table   int     `json:"table"`
	Origin  Origin  `json:"origin"`
	Tally   Tally   `json:"tally"`
	Target  Target  `json:"target,omitzero"`
	Attempt string  `json:"attempt,omitempty"`
	Unit    string  `json:"unit,omitempty"`
	Rows    []int64 `json:"rows,omitempty"`

	Deferred *Deferred `json:"deferred,omitempty"`
}

type rejectsHead struct {
	Table   int        `json:"table"`
	Origin  Origin     `json:"origin"`
	Attempt string     `json:"attempt,omitempty"`
	Unit    string     `json:"unit,omitempty"`
	Rows    []int64    `json:"rows"`
	Rules   [][]int    `json:"rules"`
	Reasons [][]string `json:"reasons"`
}

func encodeBatch(b Batch) ([]byte, error) {
	head := batchHead{b.Table, b.Origin, b.Tally, b.Target, b.Attempt, b.Unit, b.Rows, b.Deferred}
	if b.Deferred != nil {
		return encodeHead(head)
	}
	return encode(head, b.Record)
}

func decodeBatch(data []byte) (Batch, error) {
	var head batchHead
	body, err := decodeHead(data, &head)
	if err != nil {
		return Batch{}, err
	}
	var record arrow.Record
	if head.Deferred == nil {
		if record, err = decodeRecord(body); err != nil {
			return Batch{}, err
		}
		if len(head.Rows) > 0 && int64(len(head.Rows)) != record.NumRows() {
			return Batch{}, fmt.Errorf("decode batch: it has %d rows, and numbers for %d", record.NumRows(), len(head.Rows))
		}
	}
	return Batch{
		Table: head.Table, Origin: head.Origin, Tally: head.Tally, Target: head.Target, Attempt: head.Attempt, Unit: head.Unit, Rows: head.Rows,
		Record: record, Deferred: head.Deferred,
	}, nil
}

func encodeRejects(r Rejects) ([]byte, error) {
	return encode(rejectsHead{r.Table, r.Origin, r.Attempt, r.Unit, r.Rows, r.Rules, r.Reasons}, r.Record)
}

func decodeRejects(data []byte) (Rejects, error) {
	var head rejectsHead
	body, err := decodeHead(data, &head)
	if err != nil {
		return Rejects{}, err
	}
	record, err := decodeRecord(body)
	if err != nil {
		return Rejects{}, err
	}
	return Rejects{
		Table: head.Table, Origin: head.Origin, Attempt: head.Attempt, Unit: head.Unit,
		Rows: head.Rows, Rules: head.Rules, Reasons: head.Reasons, Record: record,
	}, nil
}

func encodeHead(head any) ([]byte, error) {
	meta, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	return append(binary.AppendUvarint(nil, uint64(len(meta))), meta...), nil
}

// streamSize estimates how long a record is as an Arrow stream.
func streamSize(record arrow.Record) int {
	const overhead = 512 // of the stream, and of each column
	size := overhead
	var add func(data arrow.ArrayData)
	add = func(data arrow.ArrayData) {
		size += overhead
		for _, buffer := range data.Buffers() {
			if buffer != nil {
				size += buffer.Len()
			}
		}
		for _, child := range data.Children() {
			add(child)
		}
	}
	for _, column := range record.Columns() {
		add(column.Data())
	}
	return size
}

func encode(head any, record arrow.Record) ([]byte, error) {
	if record == nil {
		return nil, errors.New("encode batch: it has no record")
	}
	start, err := encodeHead(head)
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(start)
	out.Grow(streamSize(record))
	w := ipc.NewWriter(out, ipc.WithSchema(record.Schema()))
	if err := w.Write(record); err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	return out.Bytes(), nil
}

// decodeHead returns what follows the head.
func decodeHead(data []byte, head any) ([]byte, error) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return nil, errors.New("decode batch: the head is cut off")
	}
	meta, body := data[n:n+int(size)], data[n+int(size):]
	if err := json.Unmarshal(meta, head); err != nil {
		return nil, fmt.Errorf("decode batch: %w", err)
	}
	return body, nil
}

func decodeRecord(body []byte) (arrow.Record, error) {
	r, err := ipc.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("decode batch: %w", err)
	}
	defer r.Release()
	record, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("decode batch: %w", err)
	}
	record.Retain()
	return record, nil
}
