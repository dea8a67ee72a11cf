package hyper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hyperlake/internal/hyperd"
)

// UnitContent is what a table holds of one unit: all rows with the same values in some columns.
type UnitContent struct {
	Rows     int64
	Checksum string // of the rows in any order, compared as [Content.Hash] compares them
}

// UnitKey stands for the values of the columns that make units, each as hyperd writes it out; nil is NULL.
func UnitKey(values []*string) (string, error) {
	text, err := json.Marshal(values)
	return string(text), err
}

// UnitValues are the values that a key stands for, which are as many as there are columns.
func UnitValues(key string, columns int) ([]*string, error) {
	var values []*string
	if err := json.Unmarshal([]byte(key), &values); err != nil {
		return nil, err
	}
	if len(values) != columns {
		return nil, fmt.Errorf("it has %d values for %d columns", len(values), columns)
	}
	return values, nil
}

// ErrManyUnits says that a table has more units than can be told apart.
var ErrManyUnits = errors.New("too many units")

// maxUnitKeys bounds the values that [ReadUnits] keeps, in bytes.
const maxUnitKeys = 64 << 20

// ReadUnits is [Content.ReadRows] for one table of the file, and says what the table holds of each unit, by its key. It fails
// with ErrManyUnits if there are more than most, or their values take too much memory.
func (c Content) ReadUnits(
	ctx context.Context, lease *hyperd.Lease, path, schema, name string, columns []string, most int,
) (map[string]UnitContent, error) {
	sessions, err := openSessions(ctx, lease, 1)
	defer closeSessions(ctx, sessions)
	if err != nil {
		return nil, err
	}
	table, err := findTable(ctx, sessions[0], path, inputAlias, schema, name)
	if err != nil {
		return nil, err
	}
	units, sum, bytes := map[string]UnitContent{}, checksumOf{}, 0
	err = sessions[0].Query(ctx, unitsSQL(table, columns, most+1), func(_ []hyperd.Field, row [][]byte) error {
		values := make([]*string, len(columns))
		for i := range columns {
			if row[i] != nil {
				text := string(row[i])
				values[i] = &text
			}
		}
		key, err := UnitKey(values)
		if err != nil {
			return err
		}
		rows, err := strconv.ParseInt(string(row[len(columns)]), 10, 64)
		if err != nil {
			return err
		}
		units[key] = UnitContent{Rows: rows, Checksum: string(row[len(columns)+1])}
		if err := sum.add(units[key].Checksum); err != nil {
			return err
		}
		if bytes += len(key); len(units) > most || bytes > maxUnitKeys {
			return ErrManyUnits
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the units of %s: %w", path, err)
	}
	c.checksums[table.String()] = sum.String()
	return units, nil
}

// unitsSQL counts the rows of each unit, and adds up their hashes.
func unitsSQL(table CatalogTable, columns []string, most int) string {
	var names, texts []string
	for i, column := range columns {
		names = append(names, fmt.Sprintf("%s AS v%d", hyperd.QuoteName(column), i))
		texts = append(texts, fmt.Sprintf("v%d", i))
	}
	var written []string
	for _, text := range texts {
		written = append(written, fmt.Sprintf("CAST(%s AS TEXT)", text))
	}
	return fmt.Sprintf("SELECT %s, count(*), %s FROM (SELECT %s, sha256(%s) AS h FROM %s) AS rows GROUP BY %s LIMIT %d",
		strings.Join(written, ", "), checksumSQL(), strings.Join(names, ", "), rowText(table.Columns), table.in(inputAlias),
		strings.Join(texts, ", "), most)
}

// isListed is the condition that a row belongs to one of the units of a selection, none of whose values is NULL.
func (s Selection) isListed(table CatalogTable) (string, error) {
	kinds := make([]string, len(s.UnitColumns))
	for i, name := range s.UnitColumns {
		for _, column := range table.Columns {
			if column.Name == name {
				kinds[i] = column.SQLType
			}
		}
		if kinds[i] == "" {
			return "", fmt.Errorf("the table %s has no column %s", table, hyperd.QuoteName(name))
		}
	}
	var list []string
	for _, key := range s.Units {
		values, err := UnitValues(key, len(kinds))
		if err != nil {
			return "", fmt.Errorf("the unit %s: %w", key, err)
		}
		row := make([]string, len(kinds))
		for i, value := range values {
			if value == nil {
				return "", fmt.Errorf("the unit %s has a value that is NULL", key)
			}
			row[i] = fmt.Sprintf("CAST(%s AS %s)", hyperd.QuoteText(*value), kinds[i])
		}
		list = append(list, "("+strings.Join(row, ", ")+")")
	}
	names, conditions := make([]string, len(kinds)), make([]string, len(kinds))
	for i, name := range s.UnitColumns {
		names[i] = fmt.Sprintf("v%d", i)
		conditions[i] = fmt.Sprintf("listed.%s = rows.%s", names[i], hyperd.QuoteName(name))
	}
	return fmt.Sprintf("EXISTS (SELECT 1 FROM (VALUES %s) AS listed (%s) WHERE %s)",
		strings.Join(list, ", "), strings.Join(names, ", "), strings.Join(conditions, " AND ")), nil
}
