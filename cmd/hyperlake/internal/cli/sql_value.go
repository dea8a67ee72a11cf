package cli

import (
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"hyperlake/internal/hyperd"
)

// isNumber says whether hyperd's text for a column's values is a number: digits, or one of
// NaN, Infinity and -Infinity.
func isNumber(f hyperd.Field) bool {
	switch f.OID {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.NumericOID, pgtype.Float4OID, pgtype.Float8OID, pgtype.OIDOID:
		return true
	}
	return false
}

// isFinite tells numbers from NaN and the infinities.
func isFinite(number []byte) bool {
	last := number[len(number)-1]
	return last >= '0' && last <= '9'
}

// plainText is a value, not NULL, as tables and CSV show it: hyperd's own text, but words
// for truths.
func plainText(f hyperd.Field, value []byte) string {
	if f.OID == pgtype.BoolOID {
		if string(value) == "t" {
			return "true"
		}
		return "false"
	}
	return string(value)
}

// isoText is a value as JSON shows it: hyperd's own text, but timestamps as in RFC 3339.
// Those before the year 1 have no such form and stay as they are.
func isoText(f hyperd.Field, value []byte) string {
	text := string(value)
	if f.OID != pgtype.TimestampOID && f.OID != pgtype.TimestamptzOID || strings.HasSuffix(text, " BC") {
		return text
	}
	text = strings.Replace(text, " ", "T", 1)
	if utc, ok := strings.CutSuffix(text, "+00"); ok && f.OID == pgtype.TimestamptzOID {
		return utc + "Z"
	}
	return text
}
