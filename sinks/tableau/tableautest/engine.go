package tableautest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hyperlake/internal/hyperd"
)

// The aliases of the databases during a change.
const (
	targetAlias = "target"
	sourceAlias = "source"
)

// engine changes .hyper files, by whichever hyperd this process has by then.
type engine struct{ config hyperd.Config }

// change runs work on a copy of a stored file, in a session that has the copy attached as
// target and the payload, if there is one, as source. The copy stays at result if that
// succeeds.
func (e *engine) change(ctx context.Context, stored, payload, result string, work func(context.Context, *hyperd.Conn) error) (err error) {
	if err := copyFile(stored, result); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(result))
		}
	}()
	lease, err := hyperd.Acquire(ctx, e.config)
	if err != nil {
		return err
	}
	defer lease.Release()
	conn, err := lease.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // the files were detached
	return onFiles(ctx, conn, result, payload, work)
}

func onFiles(ctx context.Context, conn *hyperd.Conn, target, source string, work func(context.Context, *hyperd.Conn) error) error {
	attached := []string{}
	attach := func(path, alias string, how func(context.Context, string, string) error) error {
		absolute, err := filepath.Abs(path)
		if err == nil {
			err = how(ctx, absolute, alias)
		}
		if err == nil {
			attached = append(attached, alias)
		}
		return err
	}
	err := attach(target, targetAlias, conn.Attach)
	if err == nil && source != "" {
		err = attach(source, sourceAlias, conn.AttachReadOnly)
	}
	if err == nil {
		err = work(ctx, conn)
	}
	for _, alias := range attached {
		err = errors.Join(err, conn.Detach(ctx, alias))
	}
	return err
}

func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	_, err = io.Copy(target, source)
	return err
}

// table names a table of an attached database.
type table struct{ alias, schema, name string }

func (t table) sql() string { return hyperd.QuoteName(t.alias, t.schema, t.name) }

// tables lists the tables of an attached database.
func tables(ctx context.Context, conn *hyperd.Conn, alias string) ([]table, error) {
	var found []table
	catalog := hyperd.QuoteName(alias, "pg_catalog")
	statement := fmt.Sprintf(`SELECT n.nspname, c.relname FROM %[1]s.pg_class c JOIN %[1]s.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname <> 'pg_catalog' ORDER BY c.oid`, catalog)
	err := conn.Query(ctx, statement, func(_ []hyperd.Field, values [][]byte) error {
		found = append(found, table{alias, string(values[0]), string(values[1])})
		return nil
	})
	return found, err
}

// columns lists the columns of a table with their types.
func columns(ctx context.Context, conn *hyperd.Conn, t table) ([]string, map[string]string, error) {
	var names []string
	types := map[string]string{}
	statement := fmt.Sprintf(`SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM %[1]s.pg_attribute a
		JOIN %[1]s.pg_class c ON c.oid = a.attrelid JOIN %[1]s.pg_namespace n ON n.oid = c.relnamespace
		WHERE a.attnum > 0 AND n.nspname = %[2]s AND c.relname = %[3]s ORDER BY a.attnum`,
		hyperd.QuoteName(t.alias, "pg_catalog"), hyperd.QuoteText(t.schema), hyperd.QuoteText(t.name))
	err := conn.Query(ctx, statement, func(_ []hyperd.Field, values [][]byte) error {
		name := string(values[0])
		names, types[name] = append(names, name), string(values[1])
		return nil
	})
	if err == nil && len(names) == 0 {
		err = refuse(http.StatusGone, "410012", "table %s.%s does not exist in the %s", t.schema, t.name, t.alias)
	}
	return names, types, err
}

// appendRows adds the rows of the one table of source to the one of target.
func appendRows(ctx context.Context, conn *hyperd.Conn) error {
	var pair []table
	for _, alias := range []string{targetAlias, sourceAlias} {
		found, err := tables(ctx, conn, alias)
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return fmt.Errorf("only a single table can be appended to, and the %s has %d", alias, len(found))
		}
		pair = append(pair, found[0])
	}
	names, types, err := columns(ctx, conn, pair[0])
	if err != nil {
		return err
	}
	given, givenTypes, err := columns(ctx, conn, pair[1])
	if err != nil {
		return err
	}
	if len(given) != len(names) || slices.ContainsFunc(names, func(name string) bool { return types[name] != givenTypes[name] }) {
		return errors.New("the columns of the file are not those of the data source")
	}
	list := quoteAll("", names)
	_, err = conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", pair[0].sql(), list, list, pair[1].sql()))
	return err
}

// quoteAll lists quoted names, each behind a qualifier if there is one.
func quoteAll(qualifier string, names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = hyperd.QuoteName(name)
		if qualifier != "" {
			quoted[i] = qualifier + "." + quoted[i]
		}
	}
	return strings.Join(quoted, ", ")
}
