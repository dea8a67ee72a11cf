package config

import _ "embed" // of the schema

// Schema is the JSON Schema (draft-07, which is what editors know best) of configurations. It is made of the types of this package and
// their comments, by the test of the same name, which holds it against [Load]: what Load accepts, it accepts.
//
//go:embed hyperlake.schema.json
var Schema string

// SchemaFile is the name under which a configuration finds the schema beside it.
const SchemaFile = "hyperlake.schema.json"

//go:generate env UPDATE_GOLDEN=1 go test . -run "^TestSchemaIsCurrent$"
