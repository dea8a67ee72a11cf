package strictyaml

import (
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// maxYAMLNodes bounds what aliases of aliases can expand to. Without aliases a document
// that is not too large has fewer.
const maxYAMLNodes = 100_000

// nodeKind is what a value in a YAML document is.
type nodeKind int

// The kinds of values.
const (
	nullNode nodeKind = iota
	textNode
	numberNode
	boolNode
	listNode
	MappingNode
	brokenNode // what cannot be read; a --set value that is no YAML can still be plain text
)

// Node is one value of a YAML document, with aliases and merges resolved, variables
// filled in, and the place of each part.
type Node struct {
	Kind    nodeKind
	At      Place
	text    string       // of a scalar: as written, without its quotes
	written string       // likewise, before variables were filled in; empty for a --set value
	quoted  bool         // the scalar is text, whatever it looks like
	scalar  ast.Node     // of a scalar, for types that unmarshal themselves
	items   []*Node      // of a list
	entries []*yamlEntry // of a mapping, in the order of the document
	typed   string       // of a --set value: as it was typed
	err     error        // of a broken node
}

// yamlEntry is one key of a mapping. No two entries of a mapping have the same key.
type yamlEntry struct {
	key   string
	at    Place // of the key
	value *Node
}

// entry returns the entry with a key, or nil.
func (n *Node) entry(key string) *yamlEntry {
	for _, e := range n.entries {
		if e.key == key {
			return e
		}
	}
	return nil
}

// Only is a mapping with no other keys than these.
func (n *Node) Only(keys ...string) *Node {
	some := *n
	some.entries = slices.DeleteFunc(slices.Clone(n.entries), func(e *yamlEntry) bool { return !slices.Contains(keys, e.key) })
	return &some
}

// Text is the value of a key as it was written, and its place, if it is a single value.
func (n *Node) Text(key string) (text string, at Place, ok bool) {
	e := n.entry(key)
	if e == nil {
		return "", n.At, false
	}
	text, ok = e.value.asText()
	return text, e.value.At, ok
}

// Unfilled is a single value as it was written, before variables were filled in; empty for others, and for that of a setting.
func (n *Node) Unfilled() string {
	if n == nil {
		return ""
	}
	return n.written
}

// Items are the entries of a list; none of others.
func (n *Node) Items() []*Node {
	if n == nil {
		return nil
	}
	return n.items
}

// Value is that of a key; nil if there is none.
func (n *Node) Value(key string) *Node {
	if n == nil {
		return nil
	}
	if e := n.entry(key); e != nil {
		return e.value
	}
	return nil
}

// Refusal is why a value cannot be read; nil if it can.
func (n *Node) Refusal() error { return n.err }

// Describe names a value in a message: "text \"x\"", "a list".
func (n *Node) Describe() string {
	switch n.Kind {
	case textNode:
		return "text " + words.Shorten(n.text)
	case numberNode:
		return "the number " + n.text
	case boolNode:
		return n.text
	case listNode:
		return "a list"
	case MappingNode:
		return "a mapping"
	default:
		return "empty"
	}
}

// Builder turns the parser's tree into Nodes.
type Builder struct {
	at      Place                             // the file or flag that is read
	fill    func(text string) (string, error) // fills variables in a scalar
	anchors map[string]ast.Node
	open    map[string]bool // anchors whose value is being built
	nodes   int
}

// NewBuilder makes a builder of the tree of a file or flag, which has fill fill the variables in its scalars.
func NewBuilder(at Place, fill func(string) (string, error)) *Builder {
	return &Builder{at: at, fill: fill, anchors: map[string]ast.Node{}, open: map[string]bool{}}
}

// Build turns one value of the parser's tree into a node. An alias yields a copy of what
// its anchor names, so that an override of one does not change the other. Aliases that expand to too much, and mappings of which
// the keys cannot be known, are failures of kind Config, with their place. A key that appears twice, a tag, an alias
// that names nothing or itself, and a variable without a value are failures of a [Decoder] that meets them.
func (b *Builder) Build(n ast.Node) (*Node, error) {
	if b.nodes++; b.nodes > maxYAMLNodes {
		return nil, Problem(b.at.of(n.GetToken()), "the aliases expand to more than %d values", maxYAMLNodes)
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		return b.anchored(n.Name.GetToken().Value, n.Value)
	case *ast.AliasNode:
		return b.alias(n)
	case *ast.TagNode:
		return broken(b.at.of(n.Start), "tags are not supported; write the value without %s", n.Start.Value), nil
	case *ast.SequenceNode:
		return b.list(n)
	case *ast.MappingNode:
		return b.mapping(n.Values, n.Start)
	case *ast.MappingValueNode:
		return b.mapping([]*ast.MappingValueNode{n}, n.Start)
	default:
		return b.scalar(n)
	}
}

// broken is a node of what cannot be read.
func broken(at Place, format string, args ...any) *Node {
	return &Node{Kind: brokenNode, At: at, err: Problem(at, format, args...)}
}

func (b *Builder) anchored(name string, value ast.Node) (*Node, error) {
	b.anchors[name] = value
	b.open[name] = true
	defer delete(b.open, name)
	return b.Build(value)
}

func (b *Builder) alias(n *ast.AliasNode) (*Node, error) {
	name, at := n.Value.GetToken().Value, b.at.of(n.Start)
	target, found := b.anchors[name]
	if !found {
		return broken(at, "there is no anchor &%[1]s for the alias *%[1]s; quote text that starts with *", name), nil
	}
	if b.open[name] {
		return broken(at, "the alias *%s stands inside its own anchor", name), nil
	}
	return b.anchored(name, target)
}

func (b *Builder) list(n *ast.SequenceNode) (*Node, error) {
	list := &Node{Kind: listNode, At: b.at.of(n.Start)}
	for i, value := range n.Values {
		item, err := b.Build(value)
		if err != nil {
			return nil, err
		}
		if item.Kind == nullNode && !n.IsFlowStyle {
			item.At = b.at.of(n.Entries[i].Start)
		}
		list.items = append(list.items, item)
	}
	return list, nil
}

func (b *Builder) mapping(values []*ast.MappingValueNode, start *token.Token) (*Node, error) {
	mapping := &Node{Kind: MappingNode, At: b.at.of(start)}
	var merge *ast.MappingValueNode
	for i, v := range values {
		at := b.at.of(v.Key.GetToken())
		if i == 0 && start.Type != token.MappingStartType {
			mapping.At = at // of a block mapping, the parser gives the first colon
		}
		if v.Key.IsMergeKey() {
			if merge != nil {
				return nil, Problem(at, "the key \"<<\" appears twice; merge a list of aliases instead")
			}
			merge = v
			continue
		}
		if err := b.addEntry(mapping, v, at); err != nil {
			return nil, err
		}
	}
	if merge != nil {
		return mapping, b.merge(mapping, merge)
	}
	return mapping, nil
}

func (b *Builder) addEntry(mapping *Node, v *ast.MappingValueNode, at Place) error {
	key, err := b.key(v.Key)
	if err != nil {
		return err
	}
	if first := mapping.entry(key); first != nil {
		again := broken(at, "the key %s appears twice; the first one is on line %d", words.Shorten(key), first.at.Line)
		again.err = failure.Join(failure.Config, first.value.err, again.err)
		first.value = again
		return nil
	}
	value, err := b.Build(v.Value)
	if err != nil {
		return err
	}
	mapping.entries = append(mapping.entries, &yamlEntry{key, at, value})
	return nil
}

// merge adds the entries that "<<" names. Keys of the mapping itself win, then those of
// the mapping that is named first.
func (b *Builder) merge(mapping *Node, v *ast.MappingValueNode) error {
	sources, err := b.Build(v.Value)
	if err != nil {
		return err
	}
	list := sources.items
	if sources.Kind != listNode {
		list = []*Node{sources}
	}
	for _, source := range list {
		if source.Kind == brokenNode {
			return source.err
		}
		if source.Kind != MappingNode {
			return Problem(b.at.of(v.Value.GetToken()), "\"<<\" merges mappings, not %s", source.Describe())
		}
		for _, e := range source.entries {
			if mapping.entry(e.key) == nil {
				mapping.entries = append(mapping.entries, e)
			}
		}
	}
	return nil
}

// key returns the text of a mapping's key, as it was written. Variables are not filled in.
func (b *Builder) key(n ast.Node) (string, error) {
	at := b.at.of(n.GetToken())
	if explicit, ok := n.(*ast.MappingKeyNode); ok && explicit.Value != nil {
		n = explicit.Value
	}
	switch n := n.(type) {
	case *ast.StringNode:
		return unmaskVariables(n.Value), nil
	case *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	default:
		return "", Problem(at, "a key must be plain text")
	}
}

func (b *Builder) scalar(n ast.Node) (*Node, error) {
	node := &Node{At: b.at.of(n.GetToken()), scalar: n, text: n.GetToken().Value}
	switch n := n.(type) {
	case *ast.NullNode:
		node.Kind = nullNode
	case *ast.BoolNode:
		node.Kind = boolNode
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		node.Kind = numberNode
	case *ast.StringNode:
		node.Kind = textNode
		node.quoted = n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
	case *ast.LiteralNode:
		node.Kind, node.quoted, node.text = textNode, true, n.Value.Value
	default:
		return nil, Problem(node.At, "not valid YAML: no value starts here")
	}
	node.written = unmaskVariables(node.text)
	filled, err := b.fill(node.written)
	if err != nil {
		return broken(node.At, "%v", err), nil
	}
	if filled != node.text {
		node.refill(filled, n.GetToken())
	}
	return node, nil
}

// refill gives a scalar the text in which the variables are filled. Outside quotes the
// text is read again, as if it had been written so, but only as a number, a boolean or
// text: never as null, and never as a structure.
func (n *Node) refill(text string, tk *token.Token) {
	n.text, n.Kind = text, textNode
	if n.quoted {
		n.scalar = ast.String(token.DoubleQuote(text, fmt.Sprintf("%q", text), tk.Position))
		return
	}
	plain := token.New(text, text, tk.Position)
	switch plain.Type {
	case token.BoolType:
		n.Kind, n.scalar = boolNode, ast.Bool(plain)
	case token.IntegerType, token.BinaryIntegerType, token.OctetIntegerType, token.HexIntegerType:
		n.Kind, n.scalar = numberNode, ast.Integer(plain)
	case token.FloatType:
		n.Kind, n.scalar = numberNode, ast.Float(plain)
	default:
		n.scalar = ast.String(token.String(text, text, tk.Position))
	}
}
