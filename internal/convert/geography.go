package convert

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
)

// shape is a geometry of OGC's Simple Features.
type shape struct {
	of      shapeKind
	layout  shapeLayout
	rings   [][]float64 // coordinates of points one after the other; a point or a line has one ring
	members []shape     // of a multi-shape or a collection
}

type shapeKind uint32

// The kinds of shapes, by their numbers in WKB.
const (
	point shapeKind = iota + 1
	lineString
	polygon
	multiPoint
	multiLineString
	multiPolygon
	collection
)

var shapeNames = [...]string{point: "POINT", lineString: "LINESTRING", polygon: "POLYGON", multiPoint: "MULTIPOINT",
	multiLineString: "MULTILINESTRING", multiPolygon: "MULTIPOLYGON", collection: "GEOMETRYCOLLECTION"}

// member is the kind that the members of a multi-shape have.
func (k shapeKind) member() shapeKind { return k - multiPoint + point }

func (k shapeKind) isMulti() bool { return k >= multiPoint && k <= multiPolygon }

// shapeLayout says what numbers a point has, as WKB does.
type shapeLayout uint32

const (
	flat  shapeLayout = iota
	withZ             // height
	withM             // measure
	withZM
	shapeLayouts // how many there are
)

var layoutNames = [...]string{flat: "", withZ: " Z", withM: " M", withZM: " ZM"}

// stride is how many numbers a point has.
func (l shapeLayout) stride() int {
	switch l {
	case flat:
		return 2
	case withZM:
		return 4
	default:
		return 3
	}
}

const (
	maxShapeDepth = 8 // of collections in collections; hyperd takes somewhat more
	maxLatitude   = 90
	fullTurn      = 360
	maxLongitude  = fullTurn // more than 180 is for shapes across the antimeridian
)

func (s shape) isEmpty() bool { return len(s.rings) == 0 && len(s.members) == 0 }

// flaw says what a value lacks to be a shape that hyperd stores as it is; it is empty where it
// lacks nothing.
type flaw string

const (
	noWKB     flaw = "it is no well-known binary"
	noWKT     flaw = "it is no well-known text"
	hasSystem flaw = "it names a reference system (SRID)"
	notFinite flaw = "a coordinate is not finite"
	noDegrees flaw = "a coordinate is not in degrees of longitude and latitude"
	noLine    flaw = "a line does not have two different points"
	noRing    flaw = "a ring is not closed"
	hasEmpty  flaw = "a part of it is empty"
)

// layoutFlaws are those of shapes whose points have more than two numbers.
var layoutFlaws = [...]flaw{flat: "", withZ: "it has height", withM: "it has a measure", withZM: "it has height and a measure"}

// flaw is empty for shapes that hyperd stores as they are: degrees of longitude and
// latitude without height or measure, lines of two points at least that differ in what
// hyperd keeps, closed rings, and nothing empty inside of multi-shapes.
func (s shape) flaw() flaw {
	if s.layout != flat {
		return layoutFlaws[s.layout]
	}
	for _, ring := range s.rings {
		for i := 0; i < len(ring); i += 2 {
			if math.Abs(ring[i]) > maxLongitude || math.Abs(ring[i+1]) > maxLatitude {
				return noDegrees
			}
		}
		if s.of == lineString && !isLine(ring) {
			return noLine
		}
		if s.of == polygon && !isRing(ring) {
			return noRing
		}
	}
	for _, member := range s.members {
		if s.of.isMulti() && member.isEmpty() {
			return hasEmpty
		}
		if flaw := member.flaw(); flaw != "" {
			return flaw
		}
	}
	return ""
}

// isLine says whether not all points are the same place to hyperd, which divides the circle
// into 2^32 steps. (It takes some lines that are a little shorter than this does.)
func isLine(points []float64) bool {
	const least = 1e-7 // degrees, more than a step
	for i := 2; i < len(points); i += 2 {
		east := math.Remainder(points[i]-points[0], fullTurn)
		if math.Abs(east) >= least || math.Abs(points[i+1]-points[1]) >= least {
			return true
		}
	}
	return false
}

// isRing says whether a line of four points at least ends where it begins.
func isRing(points []float64) bool {
	last := len(points) - 2
	return len(points) >= 8 && points[0] == points[last] && points[1] == points[last+1]
}

// textsToGeography converts WKT to the WKT that hyperd reads.
func textsToGeography(r request) (kernel, error) {
	return toBytes(r.to.arrow, func(values arrow.Array) appender {
		get := texts(values)
		return func(dst []byte, at int) ([]byte, bool) {
			s, flaw := parseWKT(get(at))
			return s.appendGeography(dst, flaw)
		}
	}), nil
}

// shapesToGeography converts WKB to the WKT that hyperd reads.
func shapesToGeography(r request) (kernel, error) {
	return toBytes(r.to.arrow, func(values arrow.Array) appender {
		get := bytesOf(values)
		return func(dst []byte, at int) ([]byte, bool) {
			s, flaw := parseWKB(get(at))
			return s.appendGeography(dst, flaw)
		}
	}), nil
}

func (s shape) appendGeography(dst []byte, found flaw) ([]byte, bool) {
	if found != "" || s.flaw() != "" {
		return nil, false
	}
	return s.appendWKT(dst), true
}

// flawOf says why a value does not convert to a geography, or to the text of a shape if
// hyperd need not store that.
func flawOf(values arrow.Array, row int, stored bool) flaw {
	source, err := cellsOf(values)
	if err != nil || source.at(row) == null {
		return ""
	}
	var s shape
	var found flaw
	if at := source.at(row); kindsByType[source.values.DataType().ID()] == text {
		s, found = parseWKT(texts(source.values)(at))
	} else {
		s, found = parseWKB(bytesOf(source.values)(at))
	}
	if found == "" && stored {
		return s.flaw()
	}
	return found
}

// shapesToText converts WKB to WKT, in any coordinates.
func shapesToText(r request) (kernel, error) {
	return toBytes(r.to.arrow, func(values arrow.Array) appender {
		get := bytesOf(values)
		return func(dst []byte, at int) ([]byte, bool) {
			s, flaw := parseWKB(get(at))
			if flaw != "" {
				return nil, false
			}
			return s.appendWKT(dst), true
		}
	}), nil
}
