package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
	"hyperlake/runners/options"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/validate"
)

// comments are those of the fields of structs, by package, type and field.
type comments map[string]string

// readComments reads the packages that keys come from.
func readComments(t *testing.T) comments {
	t.Helper()
	all := comments{}
	for _, of := range []reflect.Type{
		reflect.TypeFor[Config](), reflect.TypeFor[hyperd.Config](), reflect.TypeFor[hyper.SpoolConfig](), reflect.TypeFor[validate.Rule](),
		reflect.TypeFor[options.Flink](),
	} {
		folder := filepath.Join("..", "..", filepath.FromSlash(strings.TrimPrefix(of.PkgPath(), "hyperlake/")))
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
			require.NoError(t, err)
			all.add(of.PkgPath(), file)
		}
	}
	return all
}

func (c comments) add(pkg string, file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if structure, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					c[pkg+"."+spec.Name.Name+"."+name.Name] = words.OneLine(field.Doc.Text() + field.Comment.Text())
				}
			}
		}
		return false
	})
}

// of is the comment of a field: its own, else that before it, where that names it.
func (c comments) of(t reflect.Type, field, before string) string {
	own := c[t.PkgPath()+"."+t.Name()+"."+field]
	if own == "" && regexp.MustCompile(`\b`+field+`\b`).MatchString(before) {
		return before
	}
	return own
}

// words are a comment for people who know keys, and no fields.
func (c comments) words(t reflect.Type, comment string) string {
	comment = seePattern.ReplaceAllString(comment, "")
	comment = linkPattern.ReplaceAllString(comment, "$1")
	comment = nilPattern.ReplaceAllString(comment, "left out")
	for _, key := range strictyaml.KeysOf(t) {
		field, _ := strictyaml.FieldOf(t, key)
		// In the middle of a sentence, a word that begins with a capital is a name.
		inside := regexp.MustCompile(`(^|[a-z0-9,] )` + field.Name + `\b`)
		if field.Name == "Flink" || field.Name == "Dataflow" { // which are names of others
			inside = regexp.MustCompile(`(^)` + field.Name + `\b`)
		}
		comment = inside.ReplaceAllString(comment, "${1}"+key)
	}
	return comment
}

// What comments have for readers of code: links, with and without what leads to them, and values that are not there.
var (
	seePattern  = regexp.MustCompile(`, see \[[A-Za-z.]+\]`)
	linkPattern = regexp.MustCompile(`\[([A-Za-z][A-Za-z.]*)\]`)
	nilPattern  = regexp.MustCompile(`\bnil\b`)
)
