package convert

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// jsonPairs writes a structure as a list of its names and values.
func jsonPairs(names [][]byte, writers []appender) appender {
	return func(dst []byte, at int) ([]byte, bool) {
		dst = append(dst, '[')
		for i, write := range writers {
			if i > 0 {
				dst = append(dst, ',')
			}
			name := func(dst []byte, _ int) ([]byte, bool) { return append(dst, names[i]...), true }
			var ok bool
			if dst, ok = appendEntry(dst, name, write, at); !ok {
				return nil, false
			}
		}
		return append(dst, ']'), true
	}
}

// jsonMap writes maps, whose keys and values stand in two arrays.
func jsonMap(values *array.Map) (appender, error) {
	t := values.DataType().(*arrow.MapType)
	key, err := jsonValue(values.Keys(), t.KeyField())
	if err != nil {
		return nil, err
	}
	value, err := jsonValue(values.Items(), t.ItemField())
	if err != nil {
		return nil, err
	}
	keys, err := cellsOf(values.Keys())
	if err != nil {
		return nil, err
	}
	named := kindOf(t.KeyField()) == text
	return func(dst []byte, at int) ([]byte, bool) {
		start, end := values.ValueOffsets(at)
		if named && areNames(keys, int(start), int(end)) {
			return appendObject(dst, key, value, int(start), int(end))
		}
		dst = append(dst, '[')
		for i := int(start); i < int(end); i++ {
			if i > int(start) {
				dst = append(dst, ',')
			}
			var ok bool
			if dst, ok = appendEntry(dst, key, value, i); !ok {
				return nil, false
			}
		}
		return append(dst, ']'), true
	}, nil
}

func appendObject(dst []byte, key, value appender, start, end int) ([]byte, bool) {
	dst = append(dst, '{')
	for i := start; i < end; i++ {
		if i > start {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, ok = key(dst, i); !ok {
			return nil, false
		}
		if dst, ok = value(append(dst, ':'), i); !ok {
			return nil, false
		}
	}
	return append(dst, '}'), true
}

// areNames says whether the keys from start to end are all there, and all different.
func areNames(keys cells, start, end int) bool {
	const few = 8 // for which looking at all pairs is quick
	get := texts(keys.values)
	var seen map[string]bool
	if end-start > few {
		seen = make(map[string]bool, end-start)
	}
	for i := start; i < end; i++ {
		at := keys.at(i)
		if at == null {
			return false
		}
		name := get(at)
		if seen != nil {
			if seen[name] {
				return false
			}
			seen[name] = true
			continue
		}
		for j := start; j < i; j++ {
			if get(keys.at(j)) == name {
				return false
			}
		}
	}
	return true
}

// appendEntry appends {"key":…,"value":…}.
func appendEntry(dst []byte, key, value appender, at int) ([]byte, bool) {
	dst, ok := key(append(dst, `{"key":`...), at)
	if !ok {
		return nil, false
	}
	if dst, ok = value(append(dst, `,"value":`...), at); !ok {
		return nil, false
	}
	return append(dst, '}'), true
}
