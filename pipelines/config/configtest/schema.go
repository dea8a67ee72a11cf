// Package configtest holds the schema of configurations against them, in tests: by a validator that knows nothing of this project.
package configtest

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"hyperlake/pipelines/config"
)

// compiledSchema is the schema, by a validator that knows nothing of this project.
var compiledSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(config.Schema))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("hyperlake.schema.json", document); err != nil {
		return nil, err
	}
	return compiler.Compile("hyperlake.schema.json")
})

// A variable inside of [ ] or { } has braces that an editor takes for YAML's, unless it is quoted; the loader does not.
var (
	bracesOf = regexp.MustCompile(`\$\{([^{}\r\n]*)\}`)
	unmask   = strings.NewReplacer("\ue000", "{", "\ue001", "}")
)

// RefusedBySchema says what the schema has against a file, as an editor sees it: with its variables, and without what flags add.
func RefusedBySchema(text string) error {
	schema, err := compiledSchema()
	if err != nil {
		return err
	}
	var document any
	text = bracesOf.ReplaceAllString(text, "$$\ue000$1\ue001")
	if err := yaml.UnmarshalWithOptions([]byte(text), &document); err != nil {
		return err // no editor goes on from there
	}
	plain, err := json.Marshal(finite(document))
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(unmask.Replace(string(plain))))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// finite is a value of YAML with 0 for the numbers that JSON does not have.
func finite(value any) any {
	switch v := value.(type) {
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return 0
		}
	case []any:
		for i := range v {
			v[i] = finite(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = finite(v[key])
		}
	}
	return value
}
