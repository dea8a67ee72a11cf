package strictyaml

// Take removes a key of a mapping, and returns its value; nil if there is none.
func (n *Node) Take(key string) *Node {
	value := n.Value(key)
	n.removeEntry(value)
	return value
}

// Keys are those of a mapping, in the order of the document; of anything else there are none.
func (n *Node) Keys() []string {
	keys := make([]string, 0, len(n.entries))
	for _, e := range n.entries {
		keys = append(keys, e.key)
	}
	return keys
}

// Overlay puts what over says over n, which is at a path: mappings go into mappings, key by key; a mapping that goes into a list names
// its entries by their numbers, from 0, or the next one; a key without a value goes away; and all else is replaced as a whole. Over
// must not be used after. An entry that there cannot be is a failure of kind Config.
func (n *Node) Overlay(over *Node, path string) error {
	switch {
	case over.Kind == MappingNode && n.Kind == MappingNode:
		return n.overlayEntries(over, path)
	case over.Kind == MappingNode && n.Kind == listNode:
		return n.overlayItems(over, path)
	}
	*n = *over
	return nil
}

func (n *Node) overlayEntries(over *Node, path string) error {
	for _, e := range over.entries {
		if e.value.Kind == nullNode {
			_ = n.Take(e.key)
			continue
		}
		if err := n.obtainEntry(e.key, e.at).Overlay(e.value, JoinKey(path, e.key)); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) overlayItems(over *Node, path string) error {
	for _, e := range over.entries {
		index, isIndex := entryNumber(e.key)
		switch {
		case !isIndex:
			return Problem(e.at, "%s is a list: write the number of an entry, such as 0, or a list that takes its place", path)
		case index > len(n.items):
			return Problem(e.at, "%s has no entry %d; the next new one is %d", path, index, len(n.items))
		}
		if err := n.obtainItem(index, e.at).Overlay(e.value, pathOf([]string{path, e.key})); err != nil {
			return err
		}
	}
	return nil
}
