package pipelines

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// setting is one value from the command line for one key.
type setting struct {
	at    place
	path  []string // keys, and the numbers of list entries
	value *yamlNode
}

var settingPath = regexp.MustCompile(`^[^.\[\]]+(\.[^.\[\]]+|\[[0-9]+\])*$`)

// parseSetting reads a --set flag of the form key.path=value. The value is YAML; what is
// no YAML can still stand where text belongs. Variables are not filled in.
func parseSetting(flag string) (setting, error) {
	path, value, found := strings.Cut(flag, "=")
	path = strings.TrimSpace(path)
	at := place{flag: "--set " + path}
	switch {
	case !settingPath.MatchString(path):
		return setting{}, problem(at, "write a path of keys and a value, as in --set tables.0.name=orders")
	case !found:
		return setting{}, problem(at, "the value is missing; write --set %s=VALUE", path)
	case !utf8.ValidString(value):
		return setting{}, problem(at, "the value is not UTF-8 text")
	}
	steps := strings.Split(strings.NewReplacer("[", ".", "]", "").Replace(path), ".")
	return newSetting(at, steps, value), nil
}

// newSetting makes a setting from the text of its value.
func newSetting(at place, path []string, value string) setting {
	node, err := parseSettingValue(at, value)
	if err != nil {
		node = &yamlNode{kind: brokenNode, at: at, err: err}
	}
	node.typed = value
	return setting{at, path, node}
}

func parseSettingValue(at place, value string) (*yamlNode, error) {
	body, err := parseYAML(value, at)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return &yamlNode{kind: nullNode, at: at}, nil
	}
	return newTreeBuilder(at, func(text string) (string, error) { return text, nil }).build(body)
}

// apply puts the setting into the tree and makes the parents that are missing: a list
// where the path goes on with a number, else a mapping. An empty value removes the key.
func (s setting) apply(root *yamlNode) error {
	node, parent := root, root
	for i, step := range s.path {
		index, isIndex := entryNumber(step)
		if node.kind == nullNode {
			node.kind, node.at = mappingNode, s.at
			if isIndex {
				node.kind = listNode
			}
		}
		parent = node
		switch {
		case node.kind == mappingNode:
			node = node.obtainEntry(step, s.at)
		case node.kind == listNode && !isIndex:
			return problem(s.at, "%s is a list; give the number of an entry, as in %[1]s.0", pathOf(s.path[:i]))
		case node.kind == listNode && index > len(node.items):
			return problem(s.at, "%s has no entry %d; the next new one is %d", pathOf(s.path[:i]), index, len(node.items))
		case node.kind == listNode:
			node = node.obtainItem(index, s.at)
		default:
			return problem(s.at, "%s is %s at %s; nothing can be set inside it", pathOf(s.path[:i]), node.describe(), node.at)
		}
	}
	*node = *s.value
	if node.kind == nullNode {
		parent.removeEntry(node)
	}
	return nil
}

// obtainEntry returns the value of a key, which it adds when there is none.
func (n *yamlNode) obtainEntry(key string, at place) *yamlNode {
	e := n.entry(key)
	if e == nil {
		e = &yamlEntry{key: key, at: at, value: &yamlNode{at: at}}
		n.entries = append(n.entries, e)
	}
	return e.value
}

// removeEntry removes the key that has this very value.
func (n *yamlNode) removeEntry(value *yamlNode) {
	n.entries = slices.DeleteFunc(n.entries, func(e *yamlEntry) bool { return e.value == value })
}

// obtainItem returns an item of a list, which it appends when it is the next one.
func (n *yamlNode) obtainItem(index int, at place) *yamlNode {
	if index == len(n.items) {
		n.items = append(n.items, &yamlNode{at: at})
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
			path = joinKey(path, step)
		}
	}
	return path
}

// joinKey appends a key to a path.
func joinKey(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
