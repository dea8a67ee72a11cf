package strictyaml

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds above any configuration: one that says something of each of 5,000 columns has 25,000 keys. The
// parser's time and memory grow with the square of the depth, and of the keys in one mapping, so that a
// wrong file could take minutes.
const (
	maxYAMLDepth  = 64      // lists and mappings inside each other
	maxYAMLKeys   = 30_000  // in one document
	maxYAMLTokens = 150_000 // in one document
)

// Parse parses the one document in text. It returns nil when there is none. The
// parser is young: a panic in it becomes an error. Errors are of kind Config.
func Parse(text string, at Place) (body ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			body, err = nil, Problem(at, "not valid YAML: the parser stopped with: %v", r)
		}
	}()
	if err := checkCharacters(text, at); err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(maskVariables(text))
	if err := checkSize(tokens, at); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxProblem(err, at)
	}
	return onlyDocument(file, at)
}

// onlyDocument returns the body of the one document that is not empty.
func onlyDocument(file *ast.File, at Place) (ast.Node, error) {
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if body != nil {
			return nil, Problem(at.of(doc.Start), "a second document starts here; a configuration is one document")
		}
		body = doc.Body
	}
	return body, nil
}

// checkCharacters refuses what YAML does not allow in a text, and names the place.
func checkCharacters(text string, at Place) error {
	at.Line, at.Column = 1, 1
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			return Problem(at, "not UTF-8 text; save the file as UTF-8")
		case r == '\n':
			at.Line, at.Column = at.Line+1, 0
		case r != '\t' && unicode.IsControl(r), r >= maskDollar && r <= maskClose:
			return Problem(at, "the character %U is not allowed; remove it", r)
		}
		at.Column++
	}
	return nil
}

// checkSize refuses what nobody writes, before the parser meets it.
func checkSize(tokens token.Tokens, at Place) error {
	flow, block, line, keys := 0, 0, 0, 0
	for i, tk := range tokens {
		if tk.Position.Line != line {
			block, line = 0, tk.Position.Line
		}
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			block++
		case token.MappingValueType:
			keys++
		}
		if i >= maxYAMLTokens || keys > maxYAMLKeys {
			return Problem(at.of(tk), "this is too much for a configuration; is it the right file?")
		}
		if flow+block > maxYAMLDepth {
			return Problem(at.of(tk), "lists and mappings nest more than %d deep here", maxYAMLDepth)
		}
	}
	return nil
}

// plainWords says in plain words what the parser's commonest messages mean.
var plainWords = map[string]string{
	"found character '\t' that cannot start any token": "a tab in the indentation; use spaces",
	"tab character cannot use as a map key directly":   "a tab in the indentation; use spaces",
	"tab character cannot use as a sequence delimiter": "a tab in the indentation; use spaces",
	"non-map value is specified": "this line is no \"key: value\"; " +
		"check the colon, the space after it, and the indentation",
	"mapping value is not allowed in this context": "a colon with a space after it does not belong here; " +
		"check the indentation, or quote the text that holds it",
	"value is not allowed in this context":                               "this does not belong here; check the indentation",
	"value is not allowed in this context. map key-value is pre-defined": "text after the end of a value; quote the whole value",
	"could not find end character of double-quoted text":                 "the quoted text has no closing \"",
	"could not find end character of single-quoted text":                 "the quoted text has no closing '",
	"could not find flow mapping end token '}'":                          "the closing } is missing",
	"sequence end token ']' not found":                                   "the closing ] is missing",
	"unexpected scalar value type": "no value can start here; " +
		"quote text that starts with * & ! % @ or `",
	"',' or '}' must be specified":                           "a comma or the closing } is missing before this",
	"',' or ']' must be specified":                           "a comma or the closing ] is missing before this",
	"block sequence entries are not allowed in this context": "a list starts on the line after its key",
	"unexpected directive value. document not started":       "text that starts with % needs quotes",
	"unexpected key name":                                    "a key does not belong here; check the indentation and the quotes",
	"'@' is a reserved character":                            "text that starts with @ needs quotes",
	"'`' is a reserved character":                            "text that starts with ` needs quotes",
}

// syntaxProblem is the parser's error as a user reads it.
func syntaxProblem(err error, at Place) error {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		return Problem(at, "not valid YAML: %v", err)
	}
	message := syntax.GetMessage()
	if words, ok := plainWords[message]; ok {
		message = words
	}
	return Problem(at.of(syntax.GetToken()), "not valid YAML: %s", message)
}
