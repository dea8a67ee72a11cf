package direct

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/coder"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/exec"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/typex"
)

// Input makes the elements that a stage reads: the one of an impulse, or one for each key of
// what came to its shuffle. Keys and the values of a key stay in the order in which they came. It fails for
// elements that are not pairs as the coder of the shuffle writes them.
func (s *Stage) Input(came [][]byte) ([][]byte, error) {
	if s.Reads == "" {
		return impulse()
	}
	return group(came, s.grouped)
}

// header is what stands before every element: of all times, in the global window.
func header() ([]byte, error) {
	var b bytes.Buffer
	err := exec.EncodeWindowedValueHeader(exec.MakeWindowEncoder(coder.NewGlobalWindow()),
		window.SingleGlobalWindow, mtime.ZeroTimestamp, typex.NoFiringPane(), &b)
	return b.Bytes(), err
}

// impulse is the one element of an impulse, encoded: no bytes.
func impulse() ([][]byte, error) {
	start, err := header()
	return [][]byte{append(start, 0)}, err
}

// group makes one element of each key: the key, how many values it has, and the values.
func group(elements [][]byte, kv *coder.Coder) ([][]byte, error) {
	if !coder.IsKV(kv) {
		return nil, fmt.Errorf("elements that are grouped are not KVs, but %v", kv)
	}
	start, err := header()
	if err != nil {
		return nil, err
	}
	windows, keyDecoder := exec.MakeWindowDecoder(coder.NewGlobalWindow()), exec.MakeElementDecoder(kv.Components[0])
	var keys []string
	values := map[string][][]byte{}
	for _, element := range elements {
		r := bytes.NewReader(element)
		if _, _, _, err := exec.DecodeWindowedValueHeader(windows, r); err != nil {
			return nil, fmt.Errorf("read the header of an element: %w", err)
		}
		keyAt := len(element) - r.Len()
		if _, err := keyDecoder.Decode(r); err != nil {
			return nil, fmt.Errorf("read the key of an element: %w", err)
		}
		valueAt := len(element) - r.Len()
		key := string(element[keyAt:valueAt])
		if _, known := values[key]; !known {
			keys = append(keys, key)
		}
		values[key] = append(values[key], element[valueAt:])
	}
	groups := make([][]byte, len(keys))
	for i, key := range keys {
		group := append(bytes.Clone(start), key...)
		group = binary.BigEndian.AppendUint32(group, uint32(len(values[key])))
		groups[i] = append(group, bytes.Join(values[key], nil)...)
	}
	return groups, nil
}
