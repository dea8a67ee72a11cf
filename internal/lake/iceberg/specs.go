package iceberg

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/lake"
)

// specEntry is a partition spec in a metadata file.
type specEntry struct {
	ID     int32            `json:"spec-id"`
	Fields []partitionEntry `json:"fields"`
}

// partitionEntry is a field of a partition spec.
type partitionEntry struct {
	SourceID  int32   `json:"source-id"`
	SourceIDs []int32 `json:"source-ids"`
	ID        *int32  `json:"field-id"`
	Name      string  `json:"name"`
	Transform string  `json:"transform"`
}

// firstPartitionID is the id of the first field of a spec that does not count them.
const firstPartitionID = 1000

// spec says how files are partitioned.
type spec struct {
	fields []partitionField
}

// partitionField is a field of a spec.
type partitionField struct {
	id        int32
	source    int32 // id of the column
	transform transform
}

// transform makes partition values of the values of a column.
type transform struct {
	name  string
	width int64 // of truncate; else 0
}

const (
	identity = "identity"
	void     = "void"
	bucket   = "bucket"
	truncate = "truncate"
	hourly   = "hour"
	daily    = "day"
	monthly  = "month"
	yearly   = "year"
)

var (
	transformPattern = regexp.MustCompile(`^([a-z]+)(?:\[(\d{1,9})\])?$`)
	transforms       = map[string]bool{ // whether they have a width
		identity: false, void: false, bucket: true, truncate: true, hourly: false, daily: false, monthly: false, yearly: false,
	}
)

// parseTransform reads a transform. One that is not known leaves the partition values without a meaning, which
// readers can do without.
func parseTransform(text string) transform {
	match := transformPattern.FindStringSubmatch(text)
	if match == nil {
		return transform{}
	}
	isWide, isKnown := transforms[match[1]]
	if !isKnown || isWide != (match[2] != "") {
		return transform{}
	}
	width, err := strconv.ParseInt("0"+match[2], 10, 64)
	if err != nil {
		return transform{}
	}
	return transform{match[1], width}
}

// specs are the partition specs of a table, by their ids.
func (m *metadata) specs() (map[int32]*spec, error) {
	specs := map[int32]*spec{}
	for _, entry := range m.Specs {
		if _, isTwice := specs[entry.ID]; isTwice {
			return nil, fmt.Errorf("it has the partition spec %d twice", entry.ID)
		}
		s := &spec{}
		for i, field := range entry.Fields {
			p := partitionField{id: int32(firstPartitionID + i), source: field.SourceID, transform: parseTransform(field.Transform)}
			if field.ID != nil {
				p.id = *field.ID
			}
			if len(field.SourceIDs) == 1 {
				p.source = field.SourceIDs[0]
			} else if len(field.SourceIDs) > 1 {
				p.transform = transform{}
			}
			s.fields = append(s.fields, p)
		}
		specs[entry.ID] = s
	}
	return specs, nil
}

var errNoSpec = errors.New("it is of a partition spec that the table does not have")

// isPartitioned says whether the spec has a field that is not void.
func (s *spec) isPartitioned() bool {
	for _, field := range s.fields {
		if field.transform.name != void {
			return true
		}
	}
	return false
}

// identity is the index of the field that has the very values of a column.
func (s *spec) identity(source int32) (int, bool) {
	for i, field := range s.fields {
		if field.source == source && field.transform.name == identity {
			return i, true
		}
	}
	return 0, false
}

// isText says whether values of a type have a form as text that says all of them.
func isText(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.BooleanType, *arrow.Int32Type, *arrow.Int64Type, *arrow.Float32Type, *arrow.Float64Type, *arrow.Decimal128Type,
		*arrow.Date32Type, *arrow.StringType:
		return true
	case *arrow.TimestampType:
		return t.Unit == arrow.Microsecond
	case *arrow.FixedSizeBinaryType:
		return t.ByteWidth == uuidBytes
	}
	return false
}

// markPartitions marks the columns whose very values all files have as partition values. Which specs those
// have, the manifests say.
func markPartitions(columns []lake.Column, specs map[int32]*spec, manifests []manifest) {
	for i := range columns {
		c := &columns[i]
		isPartition := false
		for _, m := range manifests {
			if m.Content != contentData {
				continue
			}
			_, isPartition = specs[m.Spec].identity(c.ID)
			if !isPartition {
				break
			}
		}
		c.Partition = isPartition && isText(c.Type) && (c.Logical == logicalUUID) == (c.Type.ID() == arrow.FIXED_SIZE_BINARY)
	}
}
