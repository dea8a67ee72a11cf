package ingest

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5/pgtype"

	"hyperlake/internal/failure"
)

// postgresColumn is a column of the query.
type postgresColumn struct {
	name string
	kind string // the type as PostgreSQL writes it, such as numeric(10,2)
	oid  uint32 // of the type, that of the base type where it is a domain
	data arrow.DataType
	form postgresForm
}

// postgresForm is how the server is asked for the values of a column.
type postgresForm int

const (
	asBinary  postgresForm = iota // as they are, in PostgreSQL's binary form
	asText                        // as text, by a cast
	asPrinted                     // an address of a network as text, as psql prints it: a cast adds /32
	asJSON
)

// expression is the SQL that gives the values of a column of q.
func (f postgresForm) expression(name string) string {
	column := "q." + quoteIdentifier(name)
	switch f {
	case asText:
		return column + "::pg_catalog.text"
	case asPrinted:
		return "pg_catalog.textin(pg_catalog.inet_out(" + column + "))"
	case asJSON:
		return "pg_catalog.to_json(" + column + ")::pg_catalog.text"
	default:
		return column
	}
}

var (
	localTime = &arrow.TimestampType{Unit: arrow.Microsecond}
	instant   = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
)

// postgresTypes are PostgreSQL's own types that can be read, but for numeric.
var postgresTypes = map[uint32]struct {
	data arrow.DataType
	form postgresForm
}{
	pgtype.BoolOID:        {arrow.FixedWidthTypes.Boolean, asBinary},
	pgtype.Int2OID:        {arrow.PrimitiveTypes.Int16, asBinary},
	pgtype.Int4OID:        {arrow.PrimitiveTypes.Int32, asBinary},
	pgtype.Int8OID:        {arrow.PrimitiveTypes.Int64, asBinary},
	pgtype.OIDOID:         {arrow.PrimitiveTypes.Int64, asBinary},
	pgtype.Float4OID:      {arrow.PrimitiveTypes.Float32, asBinary},
	pgtype.Float8OID:      {arrow.PrimitiveTypes.Float64, asBinary},
	pgtype.DateOID:        {arrow.FixedWidthTypes.Date32, asBinary},
	pgtype.TimeOID:        {arrow.FixedWidthTypes.Time64us, asBinary},
	pgtype.TimestampOID:   {localTime, asBinary},
	pgtype.TimestamptzOID: {instant, asBinary},
	pgtype.ByteaOID:       {arrow.BinaryTypes.Binary, asBinary},
	pgtype.UUIDOID:        {arrow.BinaryTypes.String, asBinary},
	pgtype.TextOID:        {arrow.BinaryTypes.String, asBinary},
	pgtype.VarcharOID:     {arrow.BinaryTypes.String, asBinary},
	pgtype.BPCharOID:      {arrow.BinaryTypes.String, asBinary}, // a cast takes the blanks away
	pgtype.NameOID:        {arrow.BinaryTypes.String, asBinary},
	pgtype.QCharOID:       {arrow.BinaryTypes.String, asText},
	pgtype.JSONOID:        {arrow.BinaryTypes.String, asBinary},
	pgtype.JSONBOID:       {arrow.BinaryTypes.String, asText},
	pgtype.XMLOID:         {arrow.BinaryTypes.String, asText}, // its binary form lacks the declaration
	pgtype.InetOID:        {arrow.BinaryTypes.String, asPrinted},
	pgtype.CIDROID:        {arrow.BinaryTypes.String, asText},
	pgtype.MacaddrOID:     {arrow.BinaryTypes.String, asText},
	pgtype.Macaddr8OID:    {arrow.BinaryTypes.String, asText},
	pgtype.BitOID:         {arrow.BinaryTypes.String, asText},
	pgtype.VarbitOID:      {arrow.BinaryTypes.String, asText},
	pgtype.IntervalOID:    {arrow.BinaryTypes.String, asText},
	pgtype.TimetzOID:      {arrow.BinaryTypes.String, asText},
}

// maxPrecision is that of decimals of 128 bits.
const maxPrecision = 38

// decimalOf is the decimal that holds every value of a numeric with a type modifier; nil is a numeric of any scale, which
// is text. Since PostgreSQL 15 the scale may be negative, or more than the precision.
func decimalOf(modifier int32) (*arrow.Decimal128Type, bool) {
	if modifier < 0 {
		return nil, true
	}
	const header, scaleBits, scaleSign = 4, 0x7ff, 0x400
	modifier -= header
	precision, scale := modifier>>16&0xffff, (modifier&scaleBits^scaleSign)-scaleSign
	if scale < 0 {
		precision, scale = precision-scale, 0
	}
	precision = max(precision, scale)
	return &arrow.Decimal128Type{Precision: precision, Scale: scale}, precision <= maxPrecision
}

// plan chooses how a column arrives, from what the server says of its type.
func (c *postgresColumn) plan(modifier int32, known map[uint32]catalogType) error {
	if c.oid == pgtype.NumericOID {
		decimal, ok := decimalOf(modifier)
		if !ok {
			return c.refuse("which has more than 38 digits", "text")
		}
		c.data = arrow.BinaryTypes.String
		if decimal != nil {
			c.data = decimal
		}
		return nil
	}
	if direct, ok := postgresTypes[c.oid]; ok {
		c.data, c.form = direct.data, direct.form
		return nil
	}
	c.data = arrow.BinaryTypes.String
	what := known[c.oid]
	switch what.class {
	case enumClass, rangeClass:
		c.form = asText
		return nil
	case arrayClass, compositeClass:
		c.form = asJSON
		if bad := unreadablePart(c.oid, known, map[uint32]bool{}); bad != "" {
			return c.refuse("in which "+bad+" has no exact form in a lake", "text")
		}
		return nil
	}
	return c.refuse("which has no exact form in a lake", "text")
}

func (c *postgresColumn) refuse(why, cast string) error {
	hint := "write %s::" + cast + " AS %s in the query, or leave the column out"
	if c.oid == moneyOID {
		hint = "write %s::numeric AS %s in the query, or leave the column out"
	}
	return failure.New(failure.Config, "the column %q is %s, %s", c.name, c.kind, why).
		WithHint(hint, quoteIdentifier(c.name), quoteIdentifier(c.name))
}

// moneyOID is of a type whose text, and whose number of digits, depend on the country that the server is set to.
const moneyOID = 790

// unreadablePart names a type inside an array or a composite whose values could not be read alone; empty if there is none.
func unreadablePart(oid uint32, known map[uint32]catalogType, seen map[uint32]bool) string {
	if _, ok := postgresTypes[oid]; ok || oid == pgtype.NumericOID || seen[oid] {
		return ""
	}
	seen[oid] = true
	what := known[oid]
	switch what.class {
	case enumClass, rangeClass:
		return ""
	case arrayClass, compositeClass, domainClass:
		for _, part := range what.parts {
			if bad := unreadablePart(part, known, seen); bad != "" {
				return bad
			}
		}
		return ""
	}
	return what.name
}
