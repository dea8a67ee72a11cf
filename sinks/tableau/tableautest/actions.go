package tableautest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/hyperd"
)

// condition selects rows of the target, perhaps by rows of the source.
type condition struct {
	Op     string      `json:"op"`
	Args   []condition `json:"args"`
	Source string      `json:"source-col"`
	Target string      `json:"target-col"`
	Const  *struct {
		Type  string `json:"type"`
		Value string `json:"v"`
	} `json:"const"`
}

var comparisons = map[string]string{"eq": "=", "neq": "<>", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

// sql is the condition over rows t of the target and rows s of the source.
func (c condition) sql() (string, error) {
	switch c.Op {
	case "and", "or", "not":
		return c.joined()
	}
	operator, ok := comparisons[c.Op]
	if !ok {
		return "", fmt.Errorf("unknown operator %q", c.Op)
	}
	if c.Target == "" {
		return "", fmt.Errorf("the operator %q has no target-col", c.Op)
	}
	left := "t." + hyperd.QuoteName(c.Target)
	switch {
	case c.Source != "" && c.Const == nil:
		return left + " " + operator + " s." + hyperd.QuoteName(c.Source), nil
	case c.Source == "" && c.Const != nil:
		right, err := literal(c.Const.Type, c.Const.Value)
		return left + " " + operator + " " + right, err
	}
	return "", fmt.Errorf("the operator %q needs a source-col or a const", c.Op)
}

func (c condition) joined() (string, error) {
	if len(c.Args) == 0 || c.Op == "not" && len(c.Args) > 1 {
		return "", fmt.Errorf("the operator %q has %d arguments", c.Op, len(c.Args))
	}
	parts := make([]string, len(c.Args))
	for i, arg := range c.Args {
		part, err := arg.sql()
		if err != nil {
			return "", err
		}
		parts[i] = part
	}
	if c.Op == "not" {
		return "NOT (" + parts[0] + ")", nil
	}
	return "(" + strings.Join(parts, " "+strings.ToUpper(c.Op)+" ") + ")", nil
}

// usesSource says whether the condition compares with the source.
func (c condition) usesSource() bool {
	return c.Source != "" || slices.ContainsFunc(c.Args, condition.usesSource)
}

// sourceColumns collects the columns of the source that the condition names.
func (c condition) sourceColumns(into map[string]bool) {
	if c.Source != "" {
		into[c.Source] = true
	}
	for _, arg := range c.Args {
		arg.sourceColumns(into)
	}
}

// literal is a constant as SQL.
func literal(kind, value string) (string, error) {
	switch kind {
	case "string":
		return hyperd.QuoteText(value), nil
	case "boolean":
		parsed, err := strconv.ParseBool(value)
		return strconv.FormatBool(parsed), err
	case "integer":
		parsed, err := strconv.ParseInt(value, 10, 64)
		return strconv.FormatInt(parsed, 10), err
	case "double":
		parsed, err := strconv.ParseFloat(value, 64)
		return "CAST(" + hyperd.QuoteText(strconv.FormatFloat(parsed, 'g', -1, 64)) + " AS DOUBLE PRECISION)", err
	case "datetime":
		parsed, err := time.Parse(time.RFC3339Nano, value)
		return "TIMESTAMP " + hyperd.QuoteText(parsed.UTC().Format("2006-01-02 15:04:05.999999")), err
	}
	return "", fmt.Errorf("unknown type %q of a constant", kind)
}

// run executes the action on the attached databases.
func (a action) run(ctx context.Context, conn *hyperd.Conn) error {
	statements, err := a.statements(ctx, conn)
	if err != nil {
		return fmt.Errorf("action %s on %s.%s: %w", a.Kind, a.TargetSchema, a.TargetTable, err)
	}
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("action %s on %s.%s: %w", a.Kind, a.TargetSchema, a.TargetTable, err)
		}
	}
	return nil
}

func (a action) statements(ctx context.Context, conn *hyperd.Conn) ([]string, error) {
	target, source := table{targetAlias, a.TargetSchema, a.TargetTable}, table{sourceAlias, a.SourceSchema, a.SourceTable}
	names, _, err := columns(ctx, conn, target)
	if err != nil {
		return nil, err
	}
	if a.SourceTable == "" {
		return a.withoutSource(target)
	}
	given, _, err := columns(ctx, conn, source)
	if err != nil {
		return nil, err
	}
	for _, name := range given {
		if !slices.Contains(names, name) && a.Kind != "delete" {
			return nil, fmt.Errorf("the payload's column %q does not exist in the data source", name)
		}
	}
	return a.withSource(target, source, given)
}

// withoutSource is for the one kind that needs no payload.
func (a action) withoutSource(target table) ([]string, error) {
	if a.Kind != "delete" || a.Condition == nil || a.Condition.usesSource() {
		return nil, fmt.Errorf("the action needs a payload")
	}
	where, err := a.Condition.sql()
	return []string{fmt.Sprintf("DELETE FROM %s AS t WHERE %s", target.sql(), where)}, err
}

func (a action) withSource(target, source table, given []string) ([]string, error) {
	insert := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s AS s", target.sql(), quoteAll("", given), quoteAll("s", given), source.sql())
	switch a.Kind {
	case "insert":
		return []string{insert}, nil
	case "replace":
		return []string{"DELETE FROM " + target.sql(), insert}, nil
	}
	if a.Condition == nil {
		return nil, fmt.Errorf("the action needs a condition")
	}
	where, err := a.Condition.sql()
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	a.Condition.sourceColumns(named)
	update := updateStatement(target, source, given, named, where)
	switch a.Kind {
	case "update":
		return update, nil
	case "upsert":
		return append(update, fmt.Sprintf("%s WHERE NOT EXISTS (SELECT 1 FROM %s AS t WHERE %s)", insert, target.sql(), where)), nil
	case "delete":
		if len(named) != len(given) {
			return nil, fmt.Errorf("the payload holds columns that the condition does not name")
		}
		return []string{fmt.Sprintf("DELETE FROM %s AS t WHERE EXISTS (SELECT 1 FROM %s AS s WHERE %s)", target.sql(), source.sql(), where)}, nil
	}
	return nil, fmt.Errorf("unknown kind of action")
}

// updateStatement sets the columns of the payload that do not identify the row; there may
// be none.
func updateStatement(target, source table, given []string, named map[string]bool, where string) []string {
	var sets []string
	for _, name := range given {
		if !named[name] {
			sets = append(sets, hyperd.QuoteName(name)+" = s."+hyperd.QuoteName(name))
		}
	}
	if len(sets) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("UPDATE %s AS t SET %s FROM %s AS s WHERE %s", target.sql(), strings.Join(sets, ", "), source.sql(), where)}
}
