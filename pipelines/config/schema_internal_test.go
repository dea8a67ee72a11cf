package config

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
	"hyperlake/runners/options"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/validate"
)

// TestSchemaIsCurrent makes the schema of the types of the configuration and their comments, and compares it with the one that the
// program has. UPDATE_GOLDEN=1 writes it anew.
func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	g := &schemaMaker{comments: readComments(t)}
	root := g.mapping(reflect.TypeFor[Config](), "")
	require.NoError(t, errors.Join(g.wrong...))
	addTargets(root)
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "hyperlake configuration"
	root["description"] = "What hyperlake builds. Relative paths start at the folder of this file; ${NAME} is filled by --var NAME=VALUE, ${date} by the date of the run."
	text, err := json.MarshalIndent(root, "", " ")
	require.NoError(t, err)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(SchemaFile, append(text, '\n'), 0o644))
	}
	now, err := os.ReadFile(SchemaFile)
	require.NoError(t, err)
	assert.Equal(t, string(text)+"\n", string(now), "run `go generate ./pipelines/config`")
}

// addTargets adds what is no field of the configuration: its targets, of which the schema knows the outermost keys alone, since they need not
// be complete, and keys for others.
func addTargets(root object) {
	properties := root["properties"].(object)
	target := object{}
	for key, schema := range properties {
		target[key] = object{"description": schema.(object)["description"]}
	}
	properties[targetsKey] = object{
		"type": "object", "description": "targets are what differs in several places, by name, such as dev and prod; --target puts one over the rest.",
		"additionalProperties": object{"type": "object", "properties": target, "additionalProperties": false},
	}
	root["patternProperties"] = object{"^" + extensionPrefix: object{}}
}

// object is a part of a schema.
type object map[string]any

// schemaMaker makes schemas of types.
type schemaMaker struct {
	comments comments
	wrong    []error
}

// variable matches text that may become anything once ${NAME} is filled.
const variable = `\$\{`

// required are the keys that a mapping of a type must have.
var required = map[reflect.Type][]string{
	reflect.TypeFor[Config]():               {"name"},
	reflect.TypeFor[TableConfig]():          {"source"},
	reflect.TypeFor[CatalogConfig]():        {"type", "uri", "table"},
	reflect.TypeFor[WindowConfig]():         {"column", "keep"},
	reflect.TypeFor[FreshnessCheck]():       {"column", "max_age"},
	reflect.TypeFor[ComparePreviousCheck](): {"max_change"},
	reflect.TypeFor[ForeignKeyConfig]():     {"columns", "references", "to"},
	reflect.TypeFor[IngestConfig]():         {"to"},
	reflect.TypeFor[IngestCSV]():            {"uri"},
	reflect.TypeFor[IngestJSONL]():          {"uri"},
	reflect.TypeFor[IngestPostgres]():       {"query"},
	reflect.TypeFor[IngestHTTP]():           {"url"},
	reflect.TypeFor[IngestPage]():           {"parameter"},
	reflect.TypeFor[IngestCommand]():        {"run"},
	reflect.TypeFor[IngestColumn]():         {"type"},
}

// alternatives are the keys of which a mapping of a type must have one.
var alternatives = map[reflect.Type][]string{
	reflect.TypeFor[Config]():            {"tables", "ingest"},
	reflect.TypeFor[SourceConfig]():      {"uri", "catalog"},
	reflect.TypeFor[IngestConfig]():      {"csv", "jsonl", "xlsx", "postgres", "http", "command"},
	reflect.TypeFor[CheckConfig]():       {"sql", "unique", "row_count", "foreign_keys", "freshness", "compare_previous"},
	reflect.TypeFor[RowCountCheck]():     {"min", "max", "vs_history", "max_deviation"},
	reflect.TypeFor[RepartitionConfig](): {"by", "range", "split_by", "shards", "sort"},
	reflect.TypeFor[FollowConfig]():      {"workbooks", "flows", "tasks"},
	reflect.TypeFor[validate.Rule]():     {"expr", "not_null", "min", "max", "in", "in_file", "min_length", "max_length", "matches", "finite"},
}

// scalars are the schemas of types that read single values, but for words of which there are few.
var scalars = map[reflect.Type]func() object{
	reflect.TypeFor[hyper.FormatChoice](): func() object { return oneOf("auto", "0", "2", "3", "4") },
	reflect.TypeFor[validate.OnFail]():    func() object { return oneOf(string(validate.Reject), string(validate.Fail), string(validate.Warn)) },
	reflect.TypeFor[validate.Literal]():   anyText,
	reflect.TypeFor[TableVersion]():       anyText,
	reflect.TypeFor[Timezone]():           anyText,
	reflect.TypeFor[Parallelism](): func() object {
		return numberOr("integer", "^(auto|[0-9]+)$", 1, maxParallelism, "auto, or a number of workers")
	},
	reflect.TypeFor[options.DiskSizeGB](): func() object { return numberOr("integer", "^(auto|[0-9]+)$", 30, 65536, "auto, or a number of GB") },
	reflect.TypeFor[Ratio]():              func() object { return numberOr("number", `^[+]?[0-9._eE+-]+$`, 0, nil, "a number such as 0.01") },
	reflect.TypeFor[ByteSize]():           func() object { return numberOr("integer", "^[0-9]+[kmgKMG]?$", 1, nil, "a size such as 32m") },
	reflect.TypeFor[Span](): func() object {
		return numberOr("integer", `^[0-9+.][0-9a-zµ. ]*$`, nil, nil, "a span of time such as 36h, 7d or 36 months")
	},
	reflect.TypeFor[Globs](): func() object {
		return object{"anyOf": []any{anyText(), object{"type": "array", "items": anyText(), "minItems": 1}}}
	},
}

// byKey says more of single keys than their types do.
var byKey = map[string]object{
	"runner.name":          oneOf(options.RunnerDirect, "prism", options.RunnerFlink, options.RunnerDataflow),
	"hyperd.telemetry":     oneOf("off", "on", "true", "false"),
	"tables":               {"minItems": 1},
	"tables.source.select": {"minItems": 1},
	"tables.rules.in":      {"minItems": 1},
}

// anyText is what is taken as text: any single value.
func anyText() object { return object{"type": []string{"string", "number", "boolean"}} }

// orVariable is a value of a kind that is no text, or a text with a variable.
func orVariable(kind, wanted string) object { return matching(kind, variable, wanted) }

// matching is a value of a kind that is no text, or a text that matches a pattern; editors say what is wanted where it does not.
func matching(kind, pattern, wanted string) object {
	return object{"type": []string{kind, "string"}, "pattern": pattern, "patternErrorMessage": "must be " + wanted + ", or hold a ${VARIABLE}"}
}

// numberOr is a number within bounds, of which each may be nil, or a text that matches a pattern.
func numberOr(number, pattern string, least, most any, wanted string) object {
	schema := matching(number, pattern+"|"+variable, wanted)
	if least != nil {
		schema["minimum"] = least
	}
	if most != nil {
		schema["maximum"] = most
	}
	return schema
}

// oneOf is one of some words, as YAML reads them: 2 and true are no text unless they are quoted.
func oneOf(known ...string) object {
	var values []any
	for _, word := range known {
		if n, err := strconv.Atoi(word); err == nil {
			values = append(values, n)
		}
		if word == "true" || word == "false" {
			values = append(values, word == "true")
		}
		values = append(values, word)
	}
	return object{"anyOf": []any{object{"enum": values}, object{"type": "string", "pattern": variable}}}
}

// schema is that of a type, at a key.
func (g *schemaMaker) schema(t reflect.Type, key string) object {
	if known := g.scalar(t); known != nil {
		return known
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return g.schema(t.Elem(), key)
	case strictyaml.IsMapping(t):
		return g.mapping(t, key)
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": g.schema(t.Elem(), key)}
	case t.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": g.orNothing(t.Elem(), g.schema(t.Elem(), key))}
	case t.Kind() == reflect.Bool:
		return orVariable("boolean", "true or false")
	case t.Kind() == reflect.Int:
		return orVariable("integer", "a whole number")
	case t == reflect.TypeFor[string]():
		return anyText()
	}
	g.wrong = append(g.wrong, fmt.Errorf("%s: say in scalars what values of type %s look like", key, t))
	return nil
}

// scalar is the schema of a type that reads single values; nil if it is none.
func (g *schemaMaker) scalar(t reflect.Type) object {
	if known := scalars[t]; known != nil {
		return known()
	}
	var err error
	if read := textReaders[t]; read != nil {
		_, err = read("\x00")
	} else if reader, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler); ok {
		err = reader.UnmarshalText([]byte("\x00"))
	}
	if unknown := (*words.UnknownError)(nil); errors.As(err, &unknown) {
		return oneOf(unknown.Known...)
	}
	return nil
}

// orNothing lets a section be empty, for its lines may all be comments.
func (g *schemaMaker) orNothing(t reflect.Type, schema object) object {
	if kind, ok := schema["type"].(string); ok && (strictyaml.IsMapping(t) || t.Kind() == reflect.Map || t.Kind() == reflect.Slice && strictyaml.IsMapping(t.Elem())) {
		schema["type"] = []string{kind, "null"}
	}
	return schema
}

// typesOf are the types that a schema names, where it names several.
func typesOf(schema object) []string {
	types, _ := schema["type"].([]string)
	return types
}

// mapping is the schema of a struct with keys.
func (g *schemaMaker) mapping(t reflect.Type, path string) object {
	properties := object{}
	said := "" // of the field before, whose comment may be about this one, too
	for _, key := range strictyaml.KeysOf(t) {
		field, _ := strictyaml.FieldOf(t, key)
		at := strictyaml.JoinKey(path, key)
		schema := g.schema(field.Type, at)
		if !slices.Contains(required[t], key) {
			schema = g.orNothing(field.Type, schema)
		}
		maps.Copy(schema, byKey[at])
		said = g.comments.of(t, field.Name, said)
		if said == "" {
			g.wrong = append(g.wrong, fmt.Errorf("%s: the field %s of %s has no comment", at, field.Name, t))
		}
		schema["description"] = g.comments.words(t, said)
		properties[key] = schema
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if keys := required[t]; keys != nil {
		schema["required"] = keys
	}
	if keys := alternatives[t]; keys != nil {
		var any []object
		for _, key := range keys {
			one := object{"required": []string{key}}
			if property, _ := properties[key].(object); slices.Contains(typesOf(property), "null") {
				one["properties"] = object{key: object{"not": object{"type": "null"}}}
			}
			any = append(any, one)
		}
		schema["anyOf"] = any
	}
	return schema
}
