package enginetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/coder"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/exec"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/typex"
)

// header is what stands before every element: of all times, in the global window.
func header() ([]byte, error) {
	var b bytes.Buffer
	err := exec.EncodeWindowedValueHeader(exec.MakeWindowEncoder(coder.NewGlobalWindow()), window.SingleGlobalWindow, mtime.ZeroTimestamp, typex.NoFiringPane(), &b)
	return b.Bytes(), err
}

// impulse is the one element of an impulse, encoded: no bytes.
func impulse() ([][]byte, error) {
	start, err := header()
	return [][]byte{append(start, 0)}, err
}

// group makes one element of each key: the key, how many values it has, and the values in
// any order. The groups are in any order, too.
func group(elements [][]byte, kv *coder.Coder, random *rand.Rand) ([][]byte, error) {
	if !coder.IsKV(kv) {
		return nil, fmt.Errorf("elements that are grouped are not KVs, but %v", kv)
	}
	start, err := header()
	if err != nil {
		return nil, err
	}
	windows, keys := exec.MakeWindowDecoder(coder.NewGlobalWindow()), exec.MakeElementDecoder(kv.Components[0])
	values := map[string][][]byte{}
	for _, element := range elements {
		r := bytes.NewReader(element)
		if _, _, _, err := exec.DecodeWindowedValueHeader(windows, r); err != nil {
			return nil, fmt.Errorf("read the header of an element: %w", err)
		}
		keyAt := len(element) - r.Len()
		if _, err := keys.Decode(r); err != nil {
			return nil, fmt.Errorf("read the key of an element: %w", err)
		}
		valueAt := len(element) - r.Len()
		key := string(element[keyAt:valueAt])
		values[key] = append(values[key], element[valueAt:])
	}
	var groups [][]byte
	for _, key := range slices.Sorted(maps.Keys(values)) {
		shuffle(random, values[key])
		group := append(slices.Clone(start), key...)
		group = binary.BigEndian.AppendUint32(group, uint32(len(values[key])))
		groups = append(groups, append(group, bytes.Join(values[key], nil)...))
	}
	return groups, nil
}

// shuffle brings elements into any order that the seed has for them, in whatever order they
// came: attempts at the same time end in no order.
func shuffle(random *rand.Rand, elements [][]byte) {
	slices.SortFunc(elements, bytes.Compare)
	random.Shuffle(len(elements), func(i, k int) { elements[i], elements[k] = elements[k], elements[i] })
}

// cut cuts elements, in any order, into bundles. Some bundles have none.
func cut(random *rand.Rand, elements [][]byte) [][][]byte {
	shuffle(random, elements)
	bundles := [][][]byte{nil}
	for _, element := range elements {
		if random.IntN(2) == 0 {
			bundles = append(bundles, nil)
		}
		last := len(bundles) - 1
		bundles[last] = append(bundles[last], element)
	}
	return bundles
}
