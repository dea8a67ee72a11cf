package convert

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
)

// target is a type that can be asked for.
type target struct {
	sql   string // as hyperd writes it
	kind  kind
	arrow arrow.DataType // that the sink maps to it
}

var (
	textTarget      = target{"TEXT", text, arrow.BinaryTypes.String}
	bigintTarget    = target{"BIGINT", integral, arrow.PrimitiveTypes.Int64}
	realTarget      = target{"REAL", float, arrow.PrimitiveTypes.Float32}
	doubleTarget    = target{"DOUBLE PRECISION", float, arrow.PrimitiveTypes.Float64}
	timestampTarget = target{"TIMESTAMP", timestamp, &arrow.TimestampType{Unit: arrow.Microsecond}}
	instantTarget   = target{"TIMESTAMPTZ", instant, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}}
	shapeTarget     = target{"GEOGRAPHY", geography, arrow.BinaryTypes.String}
)

// simpleTargets are the types without parameters.
var simpleTargets = []target{
	{"BOOLEAN", boolean, arrow.FixedWidthTypes.Boolean},
	{"SMALLINT", integral, arrow.PrimitiveTypes.Int16}, {"INTEGER", integral, arrow.PrimitiveTypes.Int32}, bigintTarget,
	realTarget, doubleTarget,
	textTarget,
	{"BYTES", blob, arrow.BinaryTypes.Binary},
	{"DATE", date, arrow.FixedWidthTypes.Date32}, {"TIME", timeOfDay, arrow.FixedWidthTypes.Time64us}, timestampTarget, instantTarget,
	{"INTERVAL", interval, arrow.FixedWidthTypes.MonthDayNanoInterval},
	shapeTarget,
}

// aliases are the other names by which hyperd knows the types.
var aliases = map[string]string{
	"bool": "boolean", "int2": "smallint", "int": "integer", "int4": "integer", "int8": "bigint",
	"float4": "real", "float8": "double precision", "float": "double precision", "decimal": "numeric",
	"varchar": "text", "character varying": "text", "bytea": "bytes", "blob": "bytes",
	"time without time zone": "time", "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
	"tabgeography": "geography", "tableau.tabgeography": "geography",
}

// instead says what to ask for in place of types that hyperd has but that cannot be asked for.
var instead = map[string]string{
	"varchar": boundedText, "character varying": boundedText, "char": boundedText, "character": boundedText, "bpchar": boundedText,
	"json": "ask for text, which nested: json makes of nested columns", "uuid": "ask for text", "oid": "ask for bigint",
}

const boundedText = "hyperd does not enforce lengths: ask for text, and bound it by the rule max_length"

var typePattern = regexp.MustCompile(`^([a-z][a-z0-9_. ]*?) ?(?:\( ?([0-9]{1,3}) ?(?:, ?([0-9]{1,3}) ?)?\))?$`)

// TypeNamed reads the name of a type in SQL, as a configuration gives it. It returns the name as hyperd writes it, and the type that Arrow
// has for its values. Errors are failures of kind Config, with what to write.
func TypeNamed(name string) (sql string, values arrow.DataType, err error) {
	t, err := parseType(name)
	return t.sql, t.arrow, err
}

// parseType reads the name of a type in SQL.
func parseType(name string) (target, error) {
	found := typePattern.FindStringSubmatch(strings.Join(strings.Fields(strings.ToLower(name)), " "))
	if found == nil {
		return target{}, unknownType(name)
	}
	word, digits, scale := found[1], found[2], found[3]
	canonical := word
	if alias, ok := aliases[word]; ok {
		canonical = alias
	}
	if canonical == "numeric" {
		return parseNumeric(name, digits, scale)
	}
	if hint, ok := instead[word]; ok && (digits != "" || canonical == word) {
		return target{}, failure.New(failure.Config, "%s is not a type that can be asked for", name).WithHint("%s", hint)
	}
	i := slices.IndexFunc(simpleTargets, func(t target) bool { return strings.EqualFold(t.sql, canonical) })
	if i < 0 {
		return target{}, unknownType(name)
	}
	if digits != "" {
		return target{}, failure.New(failure.Config, "%s has no parameters", simpleTargets[i].sql).
			WithHint("ask for %s", strings.ToLower(simpleTargets[i].sql))
	}
	return simpleTargets[i], nil
}

func parseNumeric(name, digits, scale string) (target, error) {
	precision, err := strconv.Atoi(digits)
	places := 0
	if err == nil && scale != "" {
		places, err = strconv.Atoi(scale)
	}
	if err != nil || precision < 1 || precision > maxDigits || places > precision {
		return target{}, failure.New(failure.Config, "%s does not say how many digits to store", name).
			WithHint("write numeric(DIGITS,PLACES), such as numeric(18,4), with 1 to %d digits and not more places after the point", maxDigits)
	}
	return numeric(precision, places), nil
}

func numeric(digits, scale int) target {
	return target{fmt.Sprintf("NUMERIC(%d,%d)", digits, scale), decimal, &arrow.Decimal128Type{Precision: int32(digits), Scale: int32(scale)}}
}

func unknownType(name string) error {
	e := failure.New(failure.Config, "hyperd has no type %q", name)
	known := []string{"numeric"}
	for _, t := range simpleTargets {
		known = append(known, strings.ToLower(t.sql))
	}
	for alias := range aliases {
		known = append(known, alias)
	}
	if near, ok := nearest(strings.ToLower(name), known); ok {
		return e.WithHint("did you mean %s?", near)
	}
	return e.WithHint("the types are %s", strings.Join(known[:len(simpleTargets)+1], ", "))
}

// nearest is the first of the candidates that word is most likely a misspelling of, in the
// order of the alphabet, if there is one. It is stricter than [words.Nearest]: case counts, and of
// two letters none may be wrong, for names of columns are anybody's.
func nearest(word string, candidates []string) (string, bool) {
	best, found, least := "", false, 0
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		distance := levenshtein.ComputeDistance(word, candidate)
		if near := distance*5 <= len(candidate)*2; near && (!found || distance < least) {
			best, found, least = candidate, true, distance
		}
	}
	return best, found
}

// standing is the type that a column has when nothing is asked for; false if the sink has
// none for it.
func standing(field arrow.Field) (target, bool) {
	switch t := plainType(field.Type).(type) {
	case arrow.DecimalType:
		digits, scale := int(t.GetPrecision()), int(t.GetScale())
		digits, scale = max(digits, digits-scale, scale), max(scale, 0)
		return numeric(digits, scale), digits <= maxDigits
	case *arrow.Uint64Type:
		const uint64Digits = 20
		return numeric(uint64Digits, 0), true
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Uint8Type:
		return parsed("smallint")
	case *arrow.Int32Type, *arrow.Uint16Type:
		return parsed("integer")
	case *arrow.Int64Type, *arrow.Uint32Type, *arrow.DurationType:
		return bigintTarget, true
	}
	switch of := kindOf(field); of {
	case uuid, allNull:
		return textTarget, true
	case wkb:
		return shapeTarget, true
	case float:
		if plainType(field.Type).ID() == arrow.FLOAT64 {
			return doubleTarget, true
		}
		return realTarget, true // which the sink widens, unless REAL suits the format version
	case unsupported, nested:
		return target{}, false
	default:
		i := slices.IndexFunc(simpleTargets, func(t target) bool { return t.kind == of })
		return simpleTargets[i], true
	}
}

// TypeOf is the SQL type that a column has when nothing is asked for, in the words of [Column]; false if the sink has none for it.
func TypeOf(field arrow.Field) (sql string, ok bool) {
	t, ok := standing(field)
	return t.sql, ok
}

func parsed(name string) (target, bool) {
	t, err := parseType(name)
	return t, err == nil
}
