package expr

import "cmp"

// compareText compares text and bytes with a constant.
func compareText(operator op, x *node, c string) *kernel {
	switch operator {
	case opEqual:
		return testText(x, func(s string) bool { return s == c })
	case opNotEqual:
		return testText(x, func(s string) bool { return s != c })
	}
	return testText(x, func(s string) bool { return inOrder(operator, cmp.Compare(s, c)) })
}

// testText finds the rows whose text passes a test. Where rows share their text, it
// tests every text once.
func testText(x *node, test func(string) bool) *kernel {
	return &kernel{operands: []*node{x}, run: func(v []*vector, out *vector) bitset {
		t := v[0].text
		switch {
		case t.entries != nil && t.distinct() <= out.rows:
			testEntries(t, test, out.trues)
		case t.entries == nil && t.views == nil:
			testBuffer(t, test, out.trues)
		default:
			for i := range out.rows {
				if !out.null.get(i) && !out.failed.get(i) && test(t.row(i)) {
					out.trues.set(i)
				}
			}
		}
		return nil
	}}
}

func testEntries(t texts, test func(string) bool, out bitset) {
	passed := make([]uint64, max(t.distinct(), 1)) // rows that are NULL have entry 0
	for i := range t.distinct() {
		passed[i] = bit(test(t.entry(i)))
	}
	for w := range out {
		var word uint64
		for i, entry := range block(t.entries, w) {
			word |= passed[entry] << (i & 63)
		}
		out[w] = word
	}
}

func testBuffer(t texts, test func(string) bool, out bitset) {
	start := t.offsets[0]
	for w := range out {
		var word uint64
		for i, end := range block(t.offsets[1:], w) {
			word |= bit(test(t.data[start:end])) << (i & 63)
			start = end
		}
		out[w] = word
	}
}

// measureText counts something in the text of every row.
func measureText(x *node, count func(string) int) *kernel {
	return &kernel{operands: []*node{x}, run: func(v []*vector, out *vector) bitset {
		t := v[0].text
		if t.entries != nil && t.distinct() <= out.rows {
			counts := make([]int64, max(t.distinct(), 1))
			for i := range t.distinct() {
				counts[i] = int64(count(t.entry(i)))
			}
			for i, entry := range t.entries {
				out.ints[i] = counts[entry]
			}
			return nil
		}
		for i := range out.ints {
			if !out.null.get(i) && !out.failed.get(i) {
				out.ints[i] = int64(count(t.row(i)))
			}
		}
		return nil
	}}
}
