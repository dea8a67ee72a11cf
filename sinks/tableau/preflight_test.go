package tableau_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/sinks/tableau"
)

// tables reads a notation such as "a>b,c b>d c d": table a refers to b and c.
func tables(text string) []tableau.KeyedTable {
	ref := func(name string) tableau.TableRef { return tableau.TableRef{Schema: "public", Name: name} }
	var all []tableau.KeyedTable
	for _, word := range strings.Fields(text) {
		name, to, _ := strings.Cut(word, ">")
		table := tableau.KeyedTable{TableRef: ref(name)}
		for _, target := range strings.FieldsFunc(to, func(r rune) bool { return r == ',' }) {
			table.ForeignKeys = append(table.ForeignKeys, tableau.ForeignKey{Columns: []string{target + "_id"}, References: ref(target)})
		}
		all = append(all, table)
	}
	return all
}

func TestCheckTables(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tables string
		server tableau.Version
		broken []tableau.Rule
		where  string // part of the first message
	}{
		"one table":                  {tables: "a"},
		"star":                       {tables: "b a>b,c,d c d"},
		"snowflake":                  {tables: "a>b b>c c>d d"},
		"tree with branches":         {tables: "a>b,c b>d,e c>f d e f"},
		"one table, 2020.1":          {tables: "a", server: tableau.Version{Major: 2020, Minor: 1}},
		"star, 2021.4":               {tables: "a>b b", server: tableau.Version{Major: 2021, Minor: 4}},
		"nothing":                    {broken: []tableau.Rule{tableau.RuleNoTable}},
		"one table, 2019.4":          {tables: "a", server: tableau.Version{Major: 2019, Minor: 4}, broken: []tableau.Rule{tableau.RuleExtractName}, where: "not public.a"},
		"star, 2021.3":               {tables: "a>b b", server: tableau.Version{Major: 2021, Minor: 3}, broken: []tableau.Rule{tableau.RuleOneTable}, where: "this one has 2"},
		"two tables without keys":    {tables: "a b", broken: []tableau.Rule{tableau.RuleConnected}},
		"a table aside":              {tables: "a>b b c", broken: []tableau.Rule{tableau.RuleConnected}, where: "table public.c"},
		"two facts":                  {tables: "sales>product returns>product product", broken: []tableau.Rule{tableau.RuleOneParent, tableau.RuleConnected}, where: "table public.product is referred to by public.sales and public.returns"},
		"diamond":                    {tables: "a>b,c b>d c>d d", broken: []tableau.Rule{tableau.RuleOneParent}, where: "public.b and public.c"},
		"two keys to one table":      {tables: "a>b,b b", broken: []tableau.Rule{tableau.RuleOneKey}, where: "one of several to table public.b"},
		"three keys to one table":    {tables: "a>b,b,b b", broken: []tableau.Rule{tableau.RuleOneKey}},
		"key to itself":              {tables: "a>a,b b", broken: []tableau.Rule{tableau.RuleNoCycle}, where: "refers to its own table"},
		"one table, key to itself":   {tables: "a>a", broken: []tableau.Rule{tableau.RuleNoCycle}},
		"key to a table not there":   {tables: "a>b,z b", broken: []tableau.Rule{tableau.RuleKnownTable}, where: "(z_id) of table public.a refers to table public.z"},
		"circle":                     {tables: "a>b b>c c>a", broken: []tableau.Rule{tableau.RuleNoCycle}},
		"circle beside a tree":       {tables: "a>b b c>d d>c", broken: []tableau.Rule{tableau.RuleNoCycle, tableau.RuleNoCycle}, where: "table public.c is part of a circle"},
		"circle at the end of a way": {tables: "a>b b>c c>b", broken: []tableau.Rule{tableau.RuleOneParent}, where: "table public.b"},
	} {
		var broken []tableau.Rule
		problems := tableau.CheckTables(tables(test.tables), test.server)
		for _, problem := range problems {
			broken = append(broken, problem.Rule)
			assert.NotEmpty(t, problem.Message, name)
		}
		assert.Equal(t, test.broken, broken, name)
		if test.where != "" {
			assert.Contains(t, problems[0].Message, test.where, name)
		}
	}
	extract := []tableau.KeyedTable{{TableRef: tableau.TableRef{Schema: "Extract", Name: "Extract"}}}
	assert.Empty(t, tableau.CheckTables(extract, tableau.Version{Major: 2018, Minor: 1}))
}
