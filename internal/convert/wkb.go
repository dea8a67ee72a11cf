package convert

import (
	"encoding/binary"
	"math"
)

// wkbReader reads well-known binary. Counts are checked against the bytes that are left, so
// that malformed values cost nothing.
type wkbReader struct {
	rest       []byte
	failed     bool
	hasSystem  bool // as extended WKB has them
	isInfinite bool // a coordinate is, or is no number
}

// parseWKB reads a shape in ISO WKB, or with the flags for height and measure of extended
// WKB. It must take all bytes, and name no reference system.
func parseWKB(data []byte) (shape, flaw) {
	r := wkbReader{rest: data}
	s := r.shape(0)
	switch {
	case r.failed || len(r.rest) > 0:
		return shape{}, noWKB
	case r.hasSystem:
		return shape{}, hasSystem
	case r.isInfinite:
		return shape{}, notFinite
	}
	return s, ""
}

func (r *wkbReader) shape(depth int) shape {
	order := r.order()
	code := r.number(order)
	const flagZ, flagM, flagSystem, layoutStep = 1 << 31, 1 << 30, 1 << 29, 1000
	if code&flagSystem != 0 {
		r.hasSystem = true
		r.number(order)
		code &^= flagSystem
	}
	layout := shapeLayout(code &^ (flagZ | flagM) / layoutStep)
	if layout == flat { // the number says it, or the flags do
		if code&flagZ != 0 {
			layout = withZ
		}
		if code&flagM != 0 {
			layout += withM
		}
	}
	s := shape{of: shapeKind(code &^ (flagZ | flagM) % layoutStep), layout: layout}
	if r.failed || layout >= shapeLayouts || s.of < point || s.of > collection || depth > maxShapeDepth {
		r.failed = true
		return shape{}
	}
	pointBytes := 8 * layout.stride()
	switch s.of {
	case point:
		if ring := r.points(order, 1, layout); !isMissing(ring) {
			s.rings = [][]float64{ring}
		}
	case lineString:
		if n := r.count(order, pointBytes); n > 0 {
			s.rings = [][]float64{r.points(order, n, layout)}
		}
	case polygon:
		const countBytes = 4
		for range r.count(order, countBytes) {
			s.rings = append(s.rings, r.points(order, r.count(order, pointBytes), layout))
		}
	default:
		r.members(order, &s, depth)
	}
	r.isInfinite = r.isInfinite || !areFinite(s.rings)
	return s
}

func (r *wkbReader) members(order binary.ByteOrder, s *shape, depth int) {
	const leastBytes = 9 // byte order, kind, count
	for range r.count(order, leastBytes) {
		member := r.shape(depth + 1)
		if r.failed || s.of.isMulti() && (member.of != s.of.member() || member.layout != s.layout) {
			r.failed = true
			return
		}
		s.members = append(s.members, member)
	}
}

func (r *wkbReader) order() binary.ByteOrder {
	if len(r.rest) == 0 || r.rest[0] > 1 {
		r.failed = true
		return binary.LittleEndian
	}
	big := r.rest[0] == 0
	r.rest = r.rest[1:]
	if big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (r *wkbReader) number(order binary.ByteOrder) uint32 {
	const size = 4
	if r.failed || len(r.rest) < size {
		r.failed = true
		return 0
	}
	n := order.Uint32(r.rest)
	r.rest = r.rest[size:]
	return n
}

// count reads how many things of at least so many bytes follow.
func (r *wkbReader) count(order binary.ByteOrder, each int) int {
	n := r.number(order)
	if int64(n)*int64(each) > int64(len(r.rest)) {
		r.failed = true
		return 0
	}
	return int(n)
}

func (r *wkbReader) points(order binary.ByteOrder, n int, layout shapeLayout) []float64 {
	numbers := n * layout.stride()
	if r.failed || len(r.rest) < 8*numbers {
		r.failed = true
		return nil
	}
	out := make([]float64, numbers)
	for i := range out {
		out[i] = math.Float64frombits(order.Uint64(r.rest[8*i:]))
	}
	r.rest = r.rest[8*numbers:]
	return out
}

// isMissing says whether a point is WKB's empty one, which is all NaN.
func isMissing(numbers []float64) bool {
	for _, x := range numbers {
		if !math.IsNaN(x) {
			return false
		}
	}
	return true
}

func areFinite(rings [][]float64) bool {
	for _, ring := range rings {
		for _, x := range ring {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return false
			}
		}
	}
	return true
}
