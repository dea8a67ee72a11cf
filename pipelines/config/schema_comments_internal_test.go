package config

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/referencetest"
	"hyperlake/internal/strictyaml"
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
		for _, comment := range referencetest.Comments(t, strings.TrimPrefix(of.PkgPath(), "hyperlake/")) {
			all[of.PkgPath()+"."+comment.Name] = comment.Text
		}
	}
	return all
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
