package validate

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// reasonsOf says for the rejected rows of a batch, rule by rule, what was found and what was
// expected. rules are the rules that each row broke, in the order of the rows.
func (v *Validator) reasonsOf(j judgement, source arrow.Record, rules [][]int) [][]string {
	reasons := make([][]string, len(rules))
	converted := map[int]arrow.Array{} // by rule: what did not convert
	for i, row := range j.rejected.positions() {
		for _, rule := range rules[i] {
			if column := slices.Index(v.conversion, rule); column >= 0 {
				if converted[rule] == nil {
					converted[rule] = v.mapping.Source(source, column)
				}
				reasons[i] = append(reasons[i], fmt.Sprintf("found %s, which %s",
					valueText(converted[rule], row), v.mapping.Explain(column, source, row)))
				continue
			}
			reasons[i] = append(reasons[i], v.reason(rule, j.record, row))
		}
	}
	return reasons
}

// reason says why a row breaks a rule on the columns of a mapped record.
func (v *Validator) reason(rule int, mapped arrow.Record, row int) string {
	r := v.rules[rule]
	switch {
	case v.where != nil && rule == v.evaluation:
		return "found " + valuesText(mapped, v.where.columns, row) + ", of which where cannot be evaluated"
	case r.Expr != "":
		return "found " + valuesText(mapped, r.columns, row) + ", expected " + r.expected
	case r.Column != "":
		column := mapped.Schema().FieldIndices(r.Column)[0]
		return fmt.Sprintf("found %s, expected %s", valueText(mapped.Column(column), row), r.expected)
	}
	return "found " + strings.Join(invalidTexts(mapped, row), ", ") + ", expected text in UTF-8"
}

// valuesText lists columns with their values in a row.
func valuesText(record arrow.Record, columns []string, row int) string {
	var found []string
	for _, name := range columns {
		column := record.Schema().FieldIndices(name)[0]
		found = append(found, name+" = "+valueText(record.Column(column), row))
	}
	return strings.Join(found, ", ")
}

// invalidTexts lists the columns whose text is not UTF-8 in a row.
func invalidTexts(record arrow.Record, row int) []string {
	var found []string
	for i, column := range record.Columns() {
		if text, ok := textAt(column, row); ok && !utf8.ValidString(text) {
			found = append(found, record.ColumnName(i)+" = "+valueText(column, row))
		}
	}
	return found
}

// textAt is the text in a row of a column, if there is any.
func textAt(values arrow.Array, row int) (text string, ok bool) {
	if values.IsNull(row) {
		return "", false
	}
	switch v := storageOf(values).(type) {
	case *array.Dictionary:
		return textAt(v.Dictionary(), v.GetValueIndex(row))
	case texts:
		return v.Value(row), true
	}
	return "", false
}

// maxValueText bounds, in characters, how much of a value a reason holds: the row beside
// it has all of it.
const maxValueText = 200

// valueText writes a value for people: text in quotes, all else as it would be written in
// a configuration.
func valueText(values arrow.Array, row int) string {
	if values.IsNull(row) || values.DataType().ID() == arrow.NULL {
		return "NULL"
	}
	switch v := storageOf(values).(type) {
	case *array.Dictionary:
		return valueText(v.Dictionary(), v.GetValueIndex(row))
	case texts:
		return shortened(strconv.Quote(v.Value(row)))
	case *array.Binary:
		return shortened("0x" + hex.EncodeToString(v.Value(row)))
	case *array.FixedSizeBinary:
		return shortened("0x" + hex.EncodeToString(v.Value(row)))
	case *array.Decimal128:
		return v.Value(row).ToString(v.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Decimal256:
		return v.Value(row).ToString(v.DataType().(*arrow.Decimal256Type).Scale)
	case *array.Timestamp:
		return timestampText(v, row)
	case *array.Time32:
		return timeText(int64(v.Value(row)), v.DataType().(*arrow.Time32Type).Unit)
	case *array.Time64:
		return timeText(int64(v.Value(row)), v.DataType().(*arrow.Time64Type).Unit)
	case *array.Float64:
		return strconv.FormatFloat(v.Value(row), 'g', -1, 64)
	case *array.Float32:
		return strconv.FormatFloat(float64(v.Value(row)), 'g', -1, 32)
	}
	return shortened(storageOf(values).ValueStr(row))
}

func timestampText(values *array.Timestamp, row int) string {
	unit := values.DataType().(*arrow.TimestampType)
	layout := "2006-01-02T15:04:05.999999999"
	if unit.TimeZone != "" {
		layout += "Z"
	}
	return values.Value(row).ToTime(unit.Unit).UTC().Format(layout)
}

// timeText writes a time of day, also one that is not within the day: 24:00:00, -00:00:01.
func timeText(value int64, unit arrow.TimeUnit) string {
	sign, units := "", uint64(value)
	if value < 0 {
		sign, units = "-", -units
	}
	second := uint64(time.Second / unit.Multiplier())
	minutes := units / second / 60
	text := fmt.Sprintf("%s%02d:%02d:%02d", sign, minutes/60, minutes%60, units/second%60)
	if digits := 3 * int(unit-arrow.Second); digits > 0 {
		text += fmt.Sprintf(".%0*d", digits, units%second)
	}
	return text
}

func shortened(text string) string {
	if utf8.RuneCountInString(text) <= maxValueText {
		return text
	}
	return string([]rune(text)[:maxValueText]) + "…"
}
