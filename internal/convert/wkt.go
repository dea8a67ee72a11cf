package convert

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// appendWKT appends a shape as well-known text.
func (s shape) appendWKT(dst []byte) []byte {
	dst = append(append(dst, shapeNames[s.of]...), layoutNames[s.layout]...)
	return s.appendInside(append(dst, ' '))
}

// appendInside appends what follows the name of a shape.
func (s shape) appendInside(dst []byte) []byte {
	switch {
	case s.isEmpty():
		return append(dst, "EMPTY"...)
	case s.of == point || s.of == lineString:
		return s.appendPoints(dst, s.rings[0])
	case s.of == polygon:
		return appendList(dst, s.rings, s.appendPoints)
	case s.of == collection:
		return appendList(dst, s.members, func(dst []byte, member shape) []byte { return member.appendWKT(dst) })
	}
	return appendList(dst, s.members, func(dst []byte, member shape) []byte { return member.appendInside(dst) })
}

func appendList[T any](dst []byte, list []T, write func(dst []byte, one T) []byte) []byte {
	dst = append(dst, '(')
	for i, one := range list {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = write(dst, one)
	}
	return append(dst, ')')
}

func (s shape) appendPoints(dst []byte, points []float64) []byte {
	if len(points) == 0 {
		return append(dst, "EMPTY"...)
	}
	dst = append(dst, '(')
	for i, x := range points {
		switch {
		case i == 0:
		case i%s.layout.stride() == 0:
			dst = append(dst, ", "...)
		default:
			dst = append(dst, ' ')
		}
		dst = appendFloat(dst, x, 64)
	}
	return append(dst, ')')
}

// wktReader reads well-known text.
type wktReader struct {
	text       string
	at         int
	failed     bool
	isInfinite bool        // a coordinate is, or is no number
	untagged   shapeLayout // of points that have it, though the name of their shape does not say so
}

// parseWKT reads a shape in well-known text, in upper or lower case, with any white space
// between its words. It must name no reference system, as extended WKT does.
func parseWKT(text string) (shape, flaw) {
	r := wktReader{text: text}
	system := r.system()
	s := r.shape(0)
	r.space()
	switch {
	case r.failed || r.at < len(text):
		return shape{}, noWKT
	case system:
		return shape{}, hasSystem
	case r.isInfinite:
		return shape{}, notFinite
	}
	return s, layoutFlaws[r.untagged]
}

// system reads the reference system of extended WKT, such as SRID=4326; if it comes next.
func (r *wktReader) system() bool {
	before := r.at
	if r.word() != "SRID" || !r.sign('=') {
		r.at = before
		return false
	}
	r.number()
	r.failed = r.failed || !r.sign(';')
	return true
}

func (r *wktReader) shape(depth int) shape {
	of, layout, ok := shapeNamed(r.word())
	if !ok || depth > maxShapeDepth {
		r.failed = true
		return shape{}
	}
	s := shape{of: of, layout: layout}
	before := r.at
	if word := r.word(); layout == flat && (word == "Z" || word == "M" || word == "ZM") {
		s.layout = layoutNamed(word)
	} else {
		r.at = before
	}
	r.inside(&s, depth)
	return s
}

// shapeNamed finds POINT, POINTZ and so on.
func shapeNamed(word string) (of shapeKind, layout shapeLayout, ok bool) {
	for of := point; of <= collection; of++ {
		if suffix, found := strings.CutPrefix(word, shapeNames[of]); found {
			layout := layoutNamed(suffix)
			return of, layout, layout < shapeLayouts
		}
	}
	return 0, 0, false
}

func layoutNamed(name string) shapeLayout {
	for layout := range shapeLayouts {
		if strings.TrimPrefix(layoutNames[layout], " ") == name {
			return layout
		}
	}
	return shapeLayouts
}

// inside reads what follows the name of a shape.
func (r *wktReader) inside(s *shape, depth int) {
	switch {
	case r.empty():
	case s.of == point:
		ring := r.points(s.layout)
		r.failed = r.failed || len(ring) != s.layout.stride()
		s.rings = [][]float64{ring}
	case s.of == lineString:
		s.rings = [][]float64{r.points(s.layout)}
	case s.of == polygon:
		r.list(func() { s.rings = append(s.rings, r.ring(s.layout)) })
	case s.of == collection:
		r.list(func() {
			s.members = append(s.members, r.shape(depth+1))
		})
	default:
		r.list(func() {
			member := shape{of: s.of.member(), layout: s.layout}
			if r.space(); s.of == multiPoint && !r.isAt('(') && !r.isAt('E') && !r.isAt('e') {
				member.rings = [][]float64{r.coordinates(s.layout)}
			} else {
				r.inside(&member, depth)
			}
			s.members = append(s.members, member)
		})
	}
}

// ring reads the points of a polygon's ring, or EMPTY.
func (r *wktReader) ring(layout shapeLayout) []float64 {
	if r.empty() {
		return nil
	}
	return r.points(layout)
}

// list reads one or more things in parentheses.
func (r *wktReader) list(one func()) {
	if !r.sign('(') {
		r.failed = true
		return
	}
	for one(); !r.failed && r.sign(','); {
		one()
	}
	r.failed = r.failed || !r.sign(')')
}

func (r *wktReader) points(layout shapeLayout) (points []float64) {
	r.list(func() { points = append(points, r.coordinates(layout)...) })
	return points
}

// coordinates reads a point. More than two numbers are height and measure, which many writers do not
// tell with the name of the shape.
func (r *wktReader) coordinates(layout shapeLayout) []float64 {
	numbers := make([]float64, layout.stride())
	for i := range numbers {
		numbers[i] = r.number()
	}
	for _, more := range []shapeLayout{withZ, withZM} {
		if r.space(); layout != flat || r.failed || r.isAt(',') || r.isAt(')') {
			break
		}
		r.number()
		r.untagged = max(r.untagged, more)
	}
	return numbers
}

// number reads a coordinate. One that is beyond all numbers, NaN or infinite is read, too: the
// shape is well formed all the same.
func (r *wktReader) number() float64 {
	r.space()
	start := r.at
	for r.at < len(r.text) && strings.IndexByte("0123456789.+-eE", r.text[r.at]) >= 0 {
		r.at++
	}
	f, err := strconv.ParseFloat(r.text[start:r.at], 64)
	if errors.Is(err, strconv.ErrSyntax) && r.at-start <= 1 { // a sign, or nothing
		f, err = strconv.ParseFloat(r.word(), 64)
	}
	r.isInfinite = r.isInfinite || math.IsNaN(f) || math.IsInf(f, 0)
	r.failed = r.failed || err != nil && !errors.Is(err, strconv.ErrRange)
	return f
}

func (r *wktReader) space() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

// isAt says whether the sign comes next.
func (r *wktReader) isAt(sign byte) bool { return r.at < len(r.text) && r.text[r.at] == sign }

// sign reads a sign, if it comes next.
func (r *wktReader) sign(sign byte) bool {
	if r.space(); !r.isAt(sign) {
		return false
	}
	r.at++
	return true
}

// word reads letters, as upper case.
func (r *wktReader) word() string {
	r.space()
	start := r.at
	for r.at < len(r.text) && (r.text[r.at]|0x20)-'a' < 26 {
		r.at++
	}
	return strings.ToUpper(r.text[start:r.at])
}

// empty reads EMPTY, if it comes next.
func (r *wktReader) empty() bool {
	before := r.at
	if r.word() == "EMPTY" {
		return true
	}
	r.at = before
	return false
}
