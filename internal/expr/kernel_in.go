package expr

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// fewItems is up to how many items a list is searched one by one.
const fewItems = 8

// membershipKernel is x in […]. The items that x can be equal to become counts or
// doubles of x's own type; the others are in no row.
func membershipKernel(n *node) *kernel {
	x := n.args[0]
	var k *kernel
	switch kind := x.typ.kind; {
	case kind == kindBool, x.typ.wide():
		return nil
	case kind == kindText || kind == kindBytes:
		k = testText(x, memberText(textItems(n)))
	case kind == kindDouble:
		k = testEach(x, func(v *vector) []float64 { return v.doubles }, doubleItems(n))
	default:
		k = countKernel(n)
	}
	hasNull := slices.ContainsFunc(n.items, func(item *node) bool { return item.value.state == null })
	if !hasNull {
		return k
	}
	return &kernel{operands: k.operands, run: func(v []*vector, out *vector) bitset {
		fails := k.run(v, out)
		missing := without(without(fullBitset(out.rows), out.trues), out.failed)
		out.null = union(out.null, missing)
		return fails
	}}
}

func textItems(n *node) []string {
	var items []string
	for _, item := range n.items {
		if item.value.state == known {
			items = append(items, item.value.s)
		}
	}
	return items
}

func doubleItems(n *node) []float64 {
	var items []float64
	for _, item := range n.items {
		if item.value.state != known {
			continue
		}
		if d := doublesOf(opEqual, item.value, item.typ); !d.empty {
			items = append(items, d.lo)
		}
	}
	return items
}

// countKernel is x in […] for integers, decimals and times.
func countKernel(n *node) *kernel {
	x := n.args[0]
	least, greatest := leastInt, greatestInt
	switch x.typ.kind {
	case kindUint:
		least, greatest = leastUint, greatestUint
	case kindDecimal:
		least, greatest = leastDecimal, greatestDecimal
	}
	var ints []int64
	var uints []uint64
	var decimals []decimal128.Num
	for _, item := range n.items {
		if item.value.state != known {
			continue
		}
		count := intervalOf(opEqual, x.typ, item.value, item.typ).within(least, greatest)
		if !count.empty {
			ints, uints = append(ints, count.lo.Int64()), append(uints, count.lo.Uint64())
			decimals = append(decimals, narrow(count.lo))
		}
	}
	switch x.typ.kind {
	case kindUint:
		return testEach(x, func(v *vector) []uint64 { return v.uints }, uints)
	case kindDecimal:
		return testEach(x, func(v *vector) []decimal128.Num { return v.decimals }, decimals)
	}
	return testEach(x, (*vector).wide, ints)
}

// testEach finds the rows whose value is one of the items.
func testEach[T comparable](x *node, of func(*vector) []T, items []T) *kernel {
	test := member(items)
	return &kernel{operands: []*node{x}, run: func(v []*vector, out *vector) bitset {
		values := of(v[0])
		for w := range out.trues {
			var word uint64
			for i, x := range block(values, w) {
				word |= bit(test(x)) << (i & 63)
			}
			out.trues[w] = word
		}
		return nil
	}}
}

// member tests whether a value is one of the items.
func member[T comparable](items []T) func(T) bool {
	if len(items) <= fewItems {
		return func(x T) bool { return slices.Contains(items, x) }
	}
	set := make(map[T]struct{}, len(items))
	for _, item := range items {
		set[item] = struct{}{}
	}
	return func(x T) bool {
		_, ok := set[x]
		return ok
	}
}

// memberText looks at the length of a text first, which is mostly enough.
func memberText(items []string) func(string) bool {
	var lengths uint64 // up to 63; longer texts count as 63
	for _, item := range items {
		lengths |= 1 << min(len(item), 63)
	}
	if len(items) > fewItems {
		test := member(items)
		return func(s string) bool { return lengths>>min(len(s), 63)&1 == 1 && test(s) }
	}
	return func(s string) bool {
		if lengths>>min(len(s), 63)&1 == 0 {
			return false
		}
		for _, item := range items {
			if item == s {
				return true
			}
		}
		return false
	}
}
