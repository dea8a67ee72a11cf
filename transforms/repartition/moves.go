package repartition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
)

// Moves says to which targets the rows of a table go. At most one of By, Range and SplitBy
// is set; with none of them, whole batches are dealt out to Shards evenly. The zero value
// leaves rows where they are.
type Moves struct {
	Shards  int      `json:"shards,omitempty"`   // targets; not used with Range and SplitBy
	By      []string `json:"by,omitempty"`       // columns: rows that are equal in all of them go to one shard
	Range   string   `json:"range,omitempty"`    // column: shards ascend with its values, with NaN and then NULL last
	Bounds  Bounds   `json:"bounds,omitempty"`   // with Range: where the shards end, see FindBounds
	SplitBy string   `json:"split_by,omitempty"` // column: a target for each of its values

	// Columns are those to pass on, in this order; all if there are none. The columns that
	// decide about the target need not be among them.
	Columns []string `json:"columns,omitempty"`
}

// Moves says whether the rows of the table are moved.
func (t Moves) Moves() bool {
	return t.Shards > 0 || len(t.By) > 0 || t.Range != "" || t.SplitBy != ""
}

// Check says what is wrong with the table for rows of schema, as a failure of kind Config
// that is known before data is read: columns that are missing or whose type will not do,
// and settings that exclude each other.
func (t Moves) Check(schema *arrow.Schema) error {
	ways := 0
	for _, isSet := range []bool{len(t.By) > 0, t.Range != "", t.SplitBy != ""} {
		if isSet {
			ways++
		}
	}
	switch {
	case ways > 1:
		return refused("by, range and split_by exclude each other").WithHint("keep one of them")
	case t.SplitBy != "" && t.Shards != 0:
		return refused("split_by makes a target for each value, so that shards has no meaning").WithHint("leave shards out")
	case t.Shards < 0 || t.Shards == 0 && len(t.By) > 0:
		return refused("shards is %d, but must be at least 1", t.Shards).WithHint("say how many shards to make")
	case t.Shards > MaxTargets:
		return refused("shards is %d, but must be at most %d", t.Shards, MaxTargets).WithHint("make fewer shards: a few for each worker")
	}
	for _, column := range slices.Concat(t.By, t.Columns) {
		if _, err := fieldOf(schema, column); err != nil {
			return err
		}
	}
	for _, column := range t.By {
		if err := checkKey(schema, column, "by", isKey); err != nil {
			return err
		}
	}
	if t.Range != "" {
		return checkKey(schema, t.Range, "range", hasOrder)
	}
	if t.SplitBy != "" {
		return checkKey(schema, t.SplitBy, "split_by", hasName)
	}
	return nil
}

func refused(format string, args ...any) *failure.Error {
	return failure.New(failure.Config, "repartition: "+format, args...)
}

func checkKey(schema *arrow.Schema, column, setting string, suits func(arrow.Field) bool) error {
	field, err := fieldOf(schema, column)
	if err != nil {
		return err
	}
	if isKey(field) && suits(field) {
		return nil
	}
	return refused("%s: column %s is of type %s, which does not suit it", setting, column, field.Type).
		WithHint("choose another column, or convert this one with columns: {%s: {type: …}}", column)
}

// fieldOf is the one field of a name.
func fieldOf(schema *arrow.Schema, column string) (arrow.Field, error) {
	at := schema.FieldIndices(column)
	if len(at) == 1 {
		return schema.Field(at[0]), nil
	}
	var names []string
	for _, field := range schema.Fields() {
		names = append(names, field.Name)
	}
	return arrow.Field{}, refused("there are %d columns named %q", len(at), column).
		WithHint("the columns are %s", strings.Join(names, ", "))
}

// columnOf is the one column of a name.
func columnOf(record arrow.Record, column string) (arrow.Field, arrow.Array, error) {
	at := record.Schema().FieldIndices(column)
	if len(at) != 1 {
		return arrow.Field{}, nil, fmt.Errorf("the batch has %d columns named %q, but one was planned", len(at), column)
	}
	return record.Schema().Field(at[0]), record.Column(at[0]), nil
}
