package ingest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// rule is the name that rejects are grouped by.
func (c *postgresColumn) rule(err error) string {
	if errors.Is(err, errNotText) {
		return "valid utf-8"
	}
	kind, _, _ := strings.Cut(c.kind, "(")
	return "type " + kind
}

// show writes a value for people, as PostgreSQL does; what is long is cut.
func (c *postgresColumn) show(raw []byte) string {
	if c.form != asBinary {
		return showText(raw)
	}
	text, ok := c.showNumber(raw)
	if ok {
		return text
	}
	switch {
	case c.oid == pgtype.ByteaOID:
		return `\x` + hex.EncodeToString(raw[:min(len(raw), shownBytes/2)])
	case c.oid == pgtype.UUIDOID && len(raw) == 16:
		return string(formatUUID(make([]byte, 36), raw))
	case c.oid == pgtype.BoolOID && len(raw) == 1:
		return strconv.FormatBool(raw[0] != 0)
	}
	return showText(raw)
}

// showNumber writes numbers and times. It is false of what is none, or damaged.
func (c *postgresColumn) showNumber(raw []byte) (string, bool) {
	switch {
	case c.oid == pgtype.NumericOID:
		return showNumeric(raw)
	case c.oid == pgtype.TimeOID && len(raw) == 8:
		return formatClock(bigEndian(raw)), true
	case c.oid == pgtype.OIDOID && len(raw) == 4:
		return strconv.FormatInt(int64(uint32(bigEndian(raw))), 10), true
	case c.oid == pgtype.Float4OID && len(raw) == 4:
		value, _ := readFloat4(raw)
		return strconv.FormatFloat(float64(value), 'g', -1, 32), true
	case c.oid == pgtype.Float8OID && len(raw) == 8:
		value, _ := readFloat8(raw)
		return strconv.FormatFloat(value, 'g', -1, 64), true
	}
	scale, ok := postgresScales[c.oid]
	if !ok || len(raw) != 2 && len(raw) != 4 && len(raw) != 8 {
		return "", false
	}
	return scale.literal(bigEndian(raw)), true
}

func showNumeric(raw []byte) (string, bool) {
	number, err := readNumeric(raw)
	switch {
	case errors.Is(err, errNotANumber):
		return "NaN", true
	case errors.Is(err, errInfinite) && binary.BigEndian.Uint16(raw[4:]) == numericMinus:
		return "-Infinity", true
	case errors.Is(err, errInfinite):
		return "Infinity", true
	case err != nil:
		return "", false
	}
	return number.String(), true
}

// showText cuts what is long, and replaces what is no text.
func showText(raw []byte) string {
	return strings.ToValidUTF8(string(raw[:min(len(raw), shownBytes)]), "\uFFFD")
}
