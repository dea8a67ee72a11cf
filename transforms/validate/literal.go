package validate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Literal is a value in a rule exactly as the user wrote it. What it means depends on the
// column that it is compared with, so it stays text until [Compile].
//
//	integers, decimals, floats  1, -0.5, 1_000, 0x10, 1e3; floats also .inf and -.inf
//	dates                       2026-01-31, -4712-01-01, 294247-01-10
//	timestamps                  a date, or 2026-01-31T12:00:00.5 (T or a blank); with Z or
//	                            +01:00 when the column has a time zone (UTC if left out)
//	times of day                12:30, 12:30:00.25
//	durations                   90s, 1h30m, -250ms; units h m s ms us ns
//	text, booleans              N, "two words", true
//
// The zero Literal is YAML's null, which no rule accepts.
type Literal struct {
	Text   string `json:"text"`             // for a quoted scalar: what the quotes stand for
	Quoted bool   `json:"quoted,omitempty"` // quoted or a block scalar, so that text is all it can be
}

// UnmarshalYAML keeps the text of a scalar. Lists and mappings are errors.
func (l *Literal) UnmarshalYAML(unmarshal func(any) error) error {
	var node ast.Node
	if err := unmarshal(&node); err != nil {
		return err
	}
	if anchor, ok := node.(*ast.AnchorNode); ok {
		node = anchor.Value
	}
	switch n := node.(type) {
	case *ast.StringNode:
		kind := n.Token.Type
		*l = Literal{Text: n.Value, Quoted: kind == token.SingleQuoteType || kind == token.DoubleQuoteType}
	case *ast.LiteralNode:
		*l = Literal{Text: n.Value.Value, Quoted: true}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		*l = Literal{Text: node.GetToken().Value}
	case *ast.NullNode:
		*l = Literal{}
	default:
		at := node.GetToken().Position
		return fmt.Errorf("[%d:%d] a rule compares with single values, such as 0.5, A or 2026-01-31; "+
			"put one that has a colon in quotes", at.Line, at.Column)
	}
	return nil
}

func (l Literal) isNull() bool { return l == Literal{} }

// String is the literal for people: in quotes only where it would be misread without.
func (l Literal) String() string {
	if l.isNull() {
		return "null"
	}
	if quoted := strconv.Quote(l.Text); l.Text == "" || strings.ContainsAny(l.Text, " ,[]") || len(quoted) != len(l.Text)+2 {
		return quoted
	}
	return l.Text
}
