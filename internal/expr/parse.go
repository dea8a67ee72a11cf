package expr

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/parser"

	"hyperlake/internal/failure"
)

// Bounds on what is parsed. The nodes allow for a list of 100 thousand constants.
const (
	maxCharacters = 4 << 20
	maxNodes      = 250_000
	maxDepth      = 200
)

// parsed is a syntax tree with what its nodes need to point into the text.
type parsed struct {
	source source
	root   ast.Expr
	info   *ast.SourceInfo
}

func parse(text string) (parsed, error) {
	if strings.TrimSpace(text) == "" {
		return parsed{}, problem("the expression is empty").WithHint("write a condition over the columns, for example amount > 0")
	}
	if !utf8.ValidString(text) {
		return parsed{}, problem("the expression is not UTF-8").WithHint("save the configuration as UTF-8")
	}
	celParser, err := parser.NewParser(
		parser.EnablePrattParser(true),
		parser.EnableCallEscapeSyntax(true),
		parser.ExpressionSizeCodePointLimit(maxCharacters),
		parser.MaxExpressionNodeCount(maxNodes),
		parser.MaxRecursionDepth(maxDepth),
		parser.ErrorRecoveryLimit(1),
	)
	if err != nil {
		return parsed{}, fmt.Errorf("setting up the parser: %w", err)
	}
	p := parsed{source: readSource(text)}
	tree, errs := celParser.Parse(common.NewTextSource(string(p.source.readable)))
	if found := errs.GetErrors(); len(found) > 0 {
		return parsed{}, p.syntaxError(found[0])
	}
	p.root, p.info = tree.Expr(), tree.SourceInfo()
	return p, nil
}

// problem is an error in an expression, without its place.
func problem(format string, args ...any) *failure.Error {
	return failure.New(failure.Config, format, args...)
}

var reservedWord = regexp.MustCompile(`^reserved identifier: (.*)$`)

func (p parsed) syntaxError(err *common.Error) error {
	place := fmt.Sprintf("character %d", err.Location.Column()+1)
	if lines := strings.Count(string(p.source.original), "\n"); lines > 0 {
		place = fmt.Sprintf("line %d, character %d", err.Location.Line(), err.Location.Column()+1)
	}
	if found := reservedWord.FindStringSubmatch(err.Message); found != nil {
		return problem("%s: %s is a word of the language", place, found[1]).
			WithHint("write the column as `%s` or col(%q)", found[1], found[1])
	}
	message, _ := strings.CutPrefix(err.Message, "Syntax error: ")
	if err.Location == common.NoLocation {
		return problem("the expression is too big: %s", message).
			WithHint("split it into several rules, or put the values of a long list into a column")
	}
	return problem("%s: %s", place, message).
		WithHint("conditions are written in CEL, for example a > 1 && (b == \"x\" || c != null); " +
			"names that are no identifiers stand in backticks: `my column`")
}

// at is an error that points to a part of the expression.
func (p parsed) at(e ast.Expr, format string, args ...any) *failure.Error {
	return problem("%s: %w", p.place(e), fmt.Errorf(format, args...))
}

// place says where a part of the expression begins.
func (p parsed) place(e ast.Expr) string {
	offset := p.start(e)
	before := string(p.source.original[:offset])
	line := strings.Count(before, "\n") + 1
	character := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) + 1
	if strings.Contains(string(p.source.original), "\n") {
		return fmt.Sprintf("line %d, character %d", line, character)
	}
	return fmt.Sprintf("character %d", character)
}

// start is the position at which the node's own token begins.
func (p parsed) start(e ast.Expr) int {
	found, ok := p.info.GetOffsetRange(e.ID())
	if !ok || found.Start < 0 || int(found.Start) > len(p.source.original) {
		return 0
	}
	return int(found.Start)
}

var numberToken = regexp.MustCompile(`^-?\s*[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?`)

// number is a number as it is written in the text, without blanks.
func (p parsed) number(e ast.Expr) string {
	rest := p.source.original[p.start(e):]
	token := numberToken.FindString(string(rest[:min(len(rest), 400)]))
	return strings.Join(strings.Fields(token), "")
}
