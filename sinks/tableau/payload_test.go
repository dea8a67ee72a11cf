package tableau_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/sinks/tableau"
)

func TestCheckPayload(t *testing.T) {
	t.Parallel()
	id := tableau.Column{Name: "id", Type: "BIGINT"}
	name := tableau.Column{Name: "name", Type: "TEXT", Nullable: true}
	count := tableau.Column{Name: "count", Type: "INTEGER", Nullable: true}
	text := tableau.Column{Name: "id", Type: "TEXT"}
	published := []tableau.Column{id, name}
	for title, test := range map[string]struct {
		kind    tableau.ActionKind
		match   []string
		payload []tableau.Column
		broken  []tableau.Rule
	}{
		"insert":                {kind: tableau.Insert, payload: published},
		"insert without name":   {kind: tableau.Insert, payload: []tableau.Column{id}},
		"insert without id":     {kind: tableau.Insert, payload: []tableau.Column{name}, broken: []tableau.Rule{tableau.RuleMissingValue}},
		"insert of more":        {kind: tableau.Insert, payload: []tableau.Column{id, count}, broken: []tableau.Rule{tableau.RulePayloadColumn}},
		"insert of other types": {kind: tableau.Insert, payload: []tableau.Column{text, name}, broken: []tableau.Rule{tableau.RulePayloadType}},
		"upsert":                {kind: tableau.Upsert, match: []string{"id"}, payload: published},
		"upsert by name":        {kind: tableau.Upsert, match: []string{"name"}, payload: []tableau.Column{name}, broken: []tableau.Rule{tableau.RuleMissingValue}},
		"update":                {kind: tableau.UpdateRows, match: []string{"id"}, payload: published},
		"update of nothing":     {kind: tableau.UpdateRows, match: []string{"id"}, payload: []tableau.Column{id}, broken: []tableau.Rule{tableau.RuleNothingToSet}},
		"update by no column":   {kind: tableau.UpdateRows, match: []string{"nope"}, payload: published, broken: []tableau.Rule{tableau.RuleMatchColumn, tableau.RuleMatchColumn}},
		"update by another":     {kind: tableau.UpdateRows, match: []string{"count"}, payload: []tableau.Column{count, name}, broken: []tableau.Rule{tableau.RuleMatchColumn}},
		"delete":                {kind: tableau.Delete, match: []string{"id"}, payload: []tableau.Column{id}},
		"delete with more":      {kind: tableau.Delete, match: []string{"id"}, payload: published, broken: []tableau.Rule{tableau.RuleDeleteKeys}},
	} {
		var broken []tableau.Rule
		for _, problem := range tableau.CheckPayload(test.kind, test.match, test.payload, published) {
			broken = append(broken, problem.Rule)
			assert.NotEmpty(t, problem.Message, title)
			assert.NotEmpty(t, problem.Hint, title)
		}
		assert.Equal(t, test.broken, broken, title)
	}
}
