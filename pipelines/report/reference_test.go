package report_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/referencetest"
	"hyperlake/pipelines/report"
)

// TestReferenceOfReports holds docs/reference/report.md against the types of reports and their comments.
func TestReferenceOfReports(t *testing.T) {
	t.Parallel()
	page := &reportPage{comments: map[string]string{}}
	var words strings.Builder
	for _, c := range referencetest.Comments(t, "pipelines/report") {
		page.comments[c.Name] = c.Text
		if c.Type == "Status" || c.Type == "RefreshMode" {
			fmt.Fprintf(&words, "| `%s` | `%s` | %s |\n", keysOfWords[c.Type], strings.ToLower(strings.TrimPrefix(c.Name, "Refresh")), c.Text)
		}
	}
	page.add(reflect.TypeFor[report.Report]())
	page.text.WriteString("# The report\n\n`--report FILE` writes it as JSON; the state keeps those of the last runs. " +
		"Within `version` " + fmt.Sprint(report.Version) + ", keys are added, and never renamed. " +
		"A key marked “if any” is left out where there is nothing to say.\n\n")
	for i := 0; i < len(page.types); i++ { // sections add those that they lead to
		page.section(t, page.types[i])
	}
	page.text.WriteString("## Words\n\n| key | word | meaning |\n|---|---|---|\n" + words.String())
	referencetest.Page(t, "report", page.text.String())
}

// keysOfWords are the keys whose values are words of a type.
var keysOfWords = map[string]string{"Status": "status", "RefreshMode": "refresh.mode"}

// reportPage is the page as far as it is written, with the types that have a section.
type reportPage struct {
	text     strings.Builder
	types    []reflect.Type
	comments map[string]string
}

func (p *reportPage) add(of reflect.Type) {
	if !slices.Contains(p.types, of) {
		p.types = append(p.types, of)
	}
}

// section writes the keys of a type.
func (p *reportPage) section(t *testing.T, of reflect.Type) {
	fmt.Fprintf(&p.text, "## %s\n\n%s\n\n| key | value | meaning |\n|---|---|---|\n", of.Name(), forKeys(of, p.comments[of.Name()]))
	before := "" // the comment of a field may be about those after it, too
	for i := range of.NumField() {
		field := of.Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		comment := p.comments[of.Name()+"."+field.Name]
		if comment == "" && regexp.MustCompile(`\b`+field.Name+`\b`).MatchString(before) {
			comment = before
		}
		assert.NotEmpty(t, comment, "say in a comment what %s.%s is", of.Name(), field.Name)
		before = comment
		value := p.value(field.Type)
		if strings.HasPrefix(options, "omit") {
			value += ", if any"
		}
		fmt.Fprintf(&p.text, "| `%s` | %s | %s |\n", key, value, forKeys(of, comment))
	}
	p.text.WriteString("\n")
}

// value is what kind of value a key has. A struct gets a section.
func (p *reportPage) value(of reflect.Type) string {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return "time"
	case of.Kind() == reflect.Pointer:
		return p.value(of.Elem())
	case of.Kind() == reflect.Slice:
		return "list of " + p.value(of.Elem())
	case of.Kind() == reflect.Struct:
		p.add(of)
		return "[" + of.Name() + "](#" + strings.ToLower(of.Name()) + ")"
	case of.Kind() == reflect.String:
		return "text"
	case of.Kind() == reflect.Bool:
		return "true or false"
	case of.Kind() == reflect.Float64:
		return "number"
	}
	return "whole number"
}

// forKeys is a comment for people who know keys, and no fields.
func forKeys(of reflect.Type, comment string) string {
	for i := range of.NumField() {
		field := of.Field(i)
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		// In the middle of a sentence, a word that begins with a capital is a name.
		comment = regexp.MustCompile(`(^|[a-z0-9,;] )`+field.Name+`\b`).ReplaceAllString(comment, "${1}`"+key+"`")
	}
	comment = regexp.MustCompile(`\bnil\b`).ReplaceAllString(comment, "left out")
	return strings.ReplaceAll(comment, "|", `\|`)
}
