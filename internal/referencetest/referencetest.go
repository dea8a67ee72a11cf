// Package referencetest holds the pages of docs/reference against the code that they are made of. Only tests import it.
//
// A page is made by the test beside the types or commands that it lists, of what the program itself says of them and of the comments of
// their source. [Page] compares it with the file; UPDATE_GOLDEN=1, as `make reference` sets it, writes it anew.
package referencetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/words"
)

// root leads from the folder of a test to that of the module.
func root(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		require.NotEqual(t, above, folder, "there is no go.mod above")
		folder = above
	}
}

// Page compares the text of a page with docs/reference/NAME.md, or writes it. The text gets a line that says where it comes from.
func Page(t *testing.T, name, text string) {
	t.Helper()
	text = "<!-- Made of the code by `make reference`: change it there. -->\n\n" + strings.TrimRight(text, "\n") + "\n"
	path := filepath.Join(root(t), "docs", "reference", name+".md")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, text, string(now), "run `make reference`")
}

// Comment is what the source says of a name.
type Comment struct {
	Name string // Type, Type.Field, or the name of a constant
	Type string // of a constant, where it is written
	Text string // on one line; empty where there is none
}

// Comments reads those of the types, fields and constants of a package, given by its folder in the module, in the order of the
// source: of files by name, and within them.
func Comments(t *testing.T, folder string) (all []Comment) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), filepath.FromSlash(folder), "*.go"))
	require.NoError(t, err)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			if general, ok := declaration.(*ast.GenDecl); ok {
				all = append(all, ofDeclaration(general)...)
			}
		}
	}
	return all
}

func ofDeclaration(general *ast.GenDecl) (all []Comment) {
	for _, spec := range general.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			kind, _ := spec.Type.(*ast.Ident)
			for _, name := range spec.Names {
				constant := Comment{Name: name.Name, Text: oneLine(spec.Doc, spec.Comment)}
				if kind != nil {
					constant.Type = kind.Name
				}
				all = append(all, constant)
			}
		case *ast.TypeSpec:
			all = append(all, Comment{Name: spec.Name.Name, Text: oneLine(general.Doc, spec.Doc)})
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					all = append(all, Comment{Name: spec.Name.Name + "." + name.Name, Text: oneLine(field.Doc, field.Comment)})
				}
			}
		}
	}
	return all
}

func oneLine(groups ...*ast.CommentGroup) string {
	var text strings.Builder
	for _, group := range groups {
		text.WriteString(group.Text())
	}
	return words.OneLine(text.String())
}
