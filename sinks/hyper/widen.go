package hyper

import "fmt"

// The types of numbers that may be widened.
const (
	smallintType = "SMALLINT"
	integerType  = "INTEGER"
	bigintType   = "BIGINT"
	realType     = "REAL"
	doubleType   = "DOUBLE PRECISION"
)

// integerDigits is how many digits the values of a type of integers may have.
var integerDigits = map[string]int{smallintType: 5, integerType: 10, bigintType: 19}

// widerType finds the smallest type that holds every value of both types exactly. Only
// numbers have one.
func widerType(a, b string) (string, bool) {
	if a == b {
		return a, true
	}
	aWhole, aScale, aExact := digits(a)
	bWhole, bScale, bExact := digits(b)
	switch {
	case aExact && bExact:
		whole, scale := max(aWhole, bWhole), max(aScale, bScale)
		if integerDigits[a] > 0 && integerDigits[b] > 0 {
			return pick(integerDigits[a] > integerDigits[b], a, b), true
		}
		return fmt.Sprintf("NUMERIC(%d,%d)", whole+scale, scale), whole+scale <= maxDigits
	case isFloat(a) && isFloat(b):
		return doubleType, true
	case isFloat(a):
		return floatOf(b, a)
	case isFloat(b):
		return floatOf(a, b)
	}
	return "", false
}

// floatOf finds the type of floats that holds the values of a type of integers and those
// of another type of floats: 24 bits are enough for SMALLINT, 53 for INTEGER.
func floatOf(integer, float string) (string, bool) {
	switch integer {
	case smallintType:
		return float, true
	case integerType:
		return doubleType, true
	}
	return "", false
}

func isFloat(name string) bool { return name == realType || name == doubleType }

// digits is how many digits the values of an exact type may have before and behind the point.
func digits(name string) (whole, scale int, exact bool) {
	if whole, ok := integerDigits[name]; ok {
		return whole, 0, true
	}
	var precision int
	if n, _ := fmt.Sscanf(name, "NUMERIC(%d,%d)", &precision, &scale); n == 2 {
		return precision - scale, scale, true
	}
	return 0, 0, false
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// storedSince is the lowest format version that stores a type.
func storedSince(name string) Version {
	if name == realType {
		return realVersion
	}
	if _, isInteger := integerDigits[name]; isInteger {
		return 0
	}
	if whole, scale, exact := digits(name); exact && whole+scale > maxNarrowDigits {
		return wideNumericVersion
	}
	return 0
}
