package strictyaml

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Setting is one value from the command line for one key.
type Setting struct {
	at    Place
	path  []string // keys, and the numbers of list entries
	value *Node
}

var settingPath = regexp.MustCompile(`^[^.\[\]]+(\.[^.\[\]]+|\[[0-9]+\])*$`)

// ParseSetting reads a --set flag of the form key.path=value. The value is YAML; what is
// no YAML can still stand where text belongs. Variables are not filled in. A flag of another form is a failure of
// kind Config.
func ParseSetting(flag string) (Setting, error) {
	path, value, found := strings.Cut(flag, "=")
	path = strings.TrimSpace(path)
	at := Place{Flag: "--set " + path}
	switch {
	case !settingPath.MatchString(path):
		return Setting{}, Problem(at, "write a path of keys and a value, as in --set tables.0.name=orders")
	case !found:
		return Setting{}, Problem(at, "the value is missing; write --set %s=VALUE", path)
	case !utf8.ValidString(value):
		return Setting{}, Problem(at, "the value is not UTF-8 text")
	}
	steps := strings.Split(strings.NewReplacer("[", ".", "]", "").Replace(path), ".")
	return NewSetting(at, steps, value), nil
}

// NewSetting makes a setting from the text of its value.
func NewSetting(at Place, path []string, value string) Setting {
	node, err := parseSettingValue(at, value)
	if err != nil {
		node = &Node{Kind: brokenNode, At: at, err: err}
	}
	node.typed = value
	return Setting{at, path, node}
}

func parseSettingValue(at Place, value string) (*Node, error) {
	body, err := Parse(value, at)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return &Node{Kind: nullNode, At: at}, nil
	}
	return NewBuilder(at, func(text string) (string, error) { return text, nil }).Build(body)
}

// Apply puts the setting into the tree and makes the parents that are missing: a list
// where the path goes on with a number, else a mapping. An empty value removes the key. A path that leads into
// something else than they are, or past the next entry of a list, is a failure of kind Config.
func (s Setting) Apply(root *Node) error {
	node, parent := root, root
	for i, step := range s.path {
		index, isIndex := entryNumber(step)
		if node.Kind == nullNode {
			node.Kind, node.At = MappingNode, s.at
			if isIndex {
				node.Kind = listNode
			}
		}
		parent = node
		switch {
		case node.Kind == MappingNode:
			node = node.obtainEntry(step, s.at)
		case node.Kind == listNode && !isIndex:
			return Problem(s.at, "%s is a list; give the number of an entry, as in %[1]s.0", pathOf(s.path[:i]))
		case node.Kind == listNode && index > len(node.items):
			return Problem(s.at, "%s has no entry %d; the next new one is %d", pathOf(s.path[:i]), index, len(node.items))
		case node.Kind == listNode:
			node = node.obtainItem(index, s.at)
		case node.Kind == brokenNode:
			return node.err
		default:
			return Problem(s.at, "%s is %s at %s; nothing can be set inside it", pathOf(s.path[:i]), node.Describe(), node.At)
		}
	}
	*node = *s.value
	if node.Kind == nullNode {
		parent.removeEntry(node)
	}
	return nil
}

// obtainEntry returns the value of a key, which it adds when there is none.
func (n *Node) obtainEntry(key string, at Place) *Node {
	e := n.entry(key)
	if e == nil {
		e = &yamlEntry{key: key, at: at, value: &Node{At: at}}
		n.entries = append(n.entries, e)
	}
	return e.value
}

// removeEntry removes the key that has this very value.
func (n *Node) removeEntry(value *Node) {
	n.entries = slices.DeleteFunc(n.entries, func(e *yamlEntry) bool { return e.value == value })
}

// obtainItem returns an item of a list, which it appends when it is the next one.
func (n *Node) obtainItem(index int, at Place) *Node {
	if index == len(n.items) {
		n.items = append(n.items, &Node{At: at})
	}
	return n.items[index]
}

// entryNumber reads a step that names an entry of a list, from 0.
func entryNumber(step string) (int, bool) {
	number, err := strconv.ParseUint(step, 10, 31)
	return int(number), err == nil
}

// pathOf writes the steps to a value as they stand in messages: tables[0].name.
func pathOf(steps []string) string {
	path := ""
	for _, step := range steps {
		if _, isIndex := entryNumber(step); isIndex {
			path += "[" + step + "]"
		} else {
			path = JoinKey(path, step)
		}
	}
	return path
}

// JoinKey appends a key to a path.
func JoinKey(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
