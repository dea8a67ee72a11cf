package tableau

import (
	"fmt"
	"slices"
	"strings"
)

// Rule is one of Tableau's rules for the tables of an extract.
type Rule string

// The rules. Several tables are read as a model whose relationships are the foreign keys:
// they must make one tree that grows from one table.
const (
	RuleNoTable     Rule = "an extract holds a table"
	RuleExtractName Rule = "the table is named Extract.Extract" // servers before 2020.1
	RuleOneTable    Rule = "the extract holds one table"        // servers before 2021.4
	RuleKnownTable  Rule = "foreign keys refer to tables of the extract"
	RuleOneKey      Rule = "two tables are related by one foreign key"
	RuleNoCycle     Rule = "foreign keys do not lead back"
	RuleOneParent   Rule = "a table is referred to by one table"
	RuleConnected   Rule = "foreign keys lead from one table to all others"
)

// Servers at which the rules changed.
var (
	anyNameServer    = Version{2020, 1}
	manyTablesServer = Version{2021, 4}
)

// KeyedTable is a table of an extract with its assumed foreign keys.
type KeyedTable struct {
	TableRef
	ForeignKeys []ForeignKey
}

// ForeignKey leads from columns of a table to another table.
type ForeignKey struct {
	Columns    []string
	References TableRef
}

// Problem says which rule is broken, and where.
type Problem struct {
	Rule    Rule
	Table   TableRef // where; zero for the extract as a whole
	Message string
	Hint    string
}

// CheckTables says which of Tableau's rules the tables of an extract break on a server of
// that version, in the order of the tables; none if it can be published. The zero version
// stands for a new server.
func CheckTables(tables []KeyedTable, server Version) []Problem {
	if server.IsZero() {
		server = manyTablesServer
	}
	switch {
	case len(tables) == 0:
		return []Problem{{Rule: RuleNoTable, Message: "the extract has no table"}}
	case len(tables) == 1:
		return checkOnlyTable(tables[0], server)
	case server.Before(manyTablesServer):
		return []Problem{{
			Rule: RuleOneTable, Message: fmt.Sprintf("Tableau Server %s reads extracts of one table; this one has %d", server, len(tables)),
			Hint: "publish each table as a data source of its own (tables[].datasource in a configuration), " +
				"or use Tableau Server 2021.4 or newer",
		}}
	}
	var problems []Problem
	problems = append(problems, checkKeys(tables)...)
	if len(problems) > 0 { // the rest would only repeat them
		return problems
	}
	return checkTree(tables)
}

func checkOnlyTable(table KeyedTable, server Version) []Problem {
	if server.Before(anyNameServer) && table.TableRef != (TableRef{"Extract", "Extract"}) {
		return []Problem{{
			Rule: RuleExtractName, Table: table.TableRef,
			Message: fmt.Sprintf("Tableau Server %s reads only a table named Extract.Extract, not %s", server, table.TableRef),
			Hint:    "name the table Extract in schema Extract",
		}}
	}
	return checkKeys([]KeyedTable{table})
}

// checkKeys judges each foreign key.
func checkKeys(tables []KeyedTable) []Problem {
	known := map[TableRef]bool{}
	for _, table := range tables {
		known[table.TableRef] = true
	}
	var problems []Problem
	for _, table := range tables {
		to := map[TableRef]int{}
		for _, key := range table.ForeignKeys {
			to[key.References]++
			what := fmt.Sprintf("foreign key (%s) of table %s", strings.Join(key.Columns, ", "), table.TableRef)
			switch {
			case !known[key.References]:
				problems = append(problems, Problem{
					RuleKnownTable, table.TableRef, fmt.Sprintf("%s refers to table %s, which the extract lacks", what, key.References),
					"add the table, or drop the key",
				})
			case key.References == table.TableRef:
				problems = append(problems, Problem{
					RuleNoCycle, table.TableRef, what + " refers to its own table",
					"drop the key: Tableau cannot relate a table to itself",
				})
			case to[key.References] == 2:
				problems = append(problems, Problem{
					RuleOneKey, table.TableRef, fmt.Sprintf("%s is one of several to table %s", what, key.References),
					"keep one of them; for a table in several roles, add it several times under different names",
				})
			}
		}
	}
	return problems
}

// checkTree judges the graph that sound foreign keys make: one root, from which every
// table is reached in one way.
func checkTree(tables []KeyedTable) []Problem {
	referrers := map[TableRef][]string{}
	for _, table := range tables {
		for _, key := range table.ForeignKeys {
			referrers[key.References] = append(referrers[key.References], table.String())
		}
	}
	var problems []Problem
	var roots []KeyedTable
	for _, table := range tables {
		switch from := referrers[table.TableRef]; {
		case len(from) == 0:
			roots = append(roots, table)
		case len(from) > 1:
			problems = append(problems, Problem{
				RuleOneParent, table.TableRef, fmt.Sprintf("table %s is referred to by %s", table.TableRef, strings.Join(from, " and ")),
				"keep the foreign key of one of them, add the table once more under another name for the other, " +
					"or publish two data sources (tables[].datasource in a configuration)",
			})
		}
	}
	switch {
	case len(roots) == 0:
		return append(problems, Problem{
			Rule: RuleNoCycle, Message: "the foreign keys lead in a circle: every table is referred to by another",
			Hint: "drop the key that leads back to the table with the facts",
		})
	case len(roots) > 1:
		problems = append(problems, secondRoots(roots)...)
	}
	return append(problems, unreached(tables, roots)...)
}

// secondRoots tells of the tables besides the first root that nothing refers to.
func secondRoots(roots []KeyedTable) []Problem {
	main := slices.MaxFunc(roots, func(a, b KeyedTable) int { return len(a.ForeignKeys) - len(b.ForeignKeys) })
	var problems []Problem
	for _, root := range roots {
		if root.TableRef == main.TableRef {
			continue
		}
		message := fmt.Sprintf("table %s is referred to by no foreign key, nor is %s", root.TableRef, main.TableRef)
		problems = append(problems, Problem{
			RuleConnected, root.TableRef, message,
			fmt.Sprintf("give %s a foreign key that leads, perhaps over other tables, to %s, or publish them as two data sources "+
				"(tables[].datasource in a configuration)",
				main.TableRef, root.TableRef),
		})
	}
	return problems
}

// unreached tells of tables that no root leads to: they refer to each other in a circle.
func unreached(tables, roots []KeyedTable) []Problem {
	byName := map[TableRef]KeyedTable{}
	for _, table := range tables {
		byName[table.TableRef] = table
	}
	reached := map[TableRef]bool{}
	for next := slices.Clone(roots); len(next) > 0; {
		table := next[len(next)-1]
		next = next[:len(next)-1]
		if reached[table.TableRef] {
			continue
		}
		reached[table.TableRef] = true
		for _, key := range table.ForeignKeys {
			next = append(next, byName[key.References])
		}
	}
	var problems []Problem
	for _, table := range tables {
		if !reached[table.TableRef] {
			problems = append(problems, Problem{
				RuleNoCycle, table.TableRef, fmt.Sprintf("table %s is part of a circle of foreign keys", table.TableRef),
				"drop the key that leads back",
			})
		}
	}
	return problems
}
