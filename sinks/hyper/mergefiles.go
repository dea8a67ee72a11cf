package hyper

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
)

// MergedFile is the result of [MergeFiles].
type MergedFile struct {
	FormatVersion Version       `json:"format_version"`
	Base          string        `json:"base,omitempty"` // the input that was copied; empty if none was
	Inputs        []InputFile   `json:"inputs"`         // the one with the most rows first
	Tables        []TableResult `json:"tables"`
	Warnings      []string      `json:"warnings"` // of assumed keys that the merged rows break
}

// MergeFiles makes one file of .hyper files from anywhere, table by table: at path, an
// absolute path at which nothing stands. Tables that only some files have, and the keys of
// all, are kept. The file with the most rows is copied, unless it has to be widened, and the
// rows of the others are inserted into the copy. The inputs are opened read-only.
//
// Files whose columns differ are a failure of kind Source that wraps a [*SchemaError]; with
// [FileOptions].Widen, only those that have no common type. On failure nothing stays at path.
func MergeFiles(ctx context.Context, lease *hyperd.Lease, inputs []string, path string, options FileOptions) (MergedFile, error) {
	sessions, err := openSessions(ctx, lease, 2)
	defer closeSessions(ctx, sessions)
	if err != nil {
		return MergedFile{}, err
	}
	m := merger{conn: sessions[0], reader: sessions[1], path: path, options: options}
	if m.files, err = openInputs(ctx, m.conn, inputs); err != nil {
		return MergedFile{}, err
	}
	if m.want, err = unify(m.files, options.Widen); err != nil {
		return MergedFile{}, schemaFailure(err, options.Widen)
	}
	if err := options.checkRoom(filepath.Dir(path), m.needs()); err != nil {
		return MergedFile{}, err
	}
	m.result = MergedFile{FormatVersion: m.want.FormatVersion, Inputs: m.files, Tables: []TableResult{}, Warnings: []string{}}
	if err := rewrite(ctx, m.conn, path, m.want, func() error { return m.fill(ctx) }); err != nil {
		return MergedFile{}, fmt.Errorf("merge: %w", err)
	}
	return m.result, nil
}

// schemaFailure says what to do about files whose schemas differ.
func schemaFailure(err error, widened bool) error {
	failed := failure.New(failure.Source, "%w", err).BeforeData()
	var schema *SchemaError
	if errors.As(err, &schema) && !widened && schema.widens() {
		return failed.WithHint("--widen merges them without losing a value")
	}
	return failed.WithHint("merge the files that agree, or rebuild the others")
}

// merger is one merge under way.
type merger struct {
	conn    *hyperd.Conn // has all inputs and the new file
	reader  *hyperd.Conn // reads the base meanwhile
	path    string
	options FileOptions
	files   []InputFile
	want    Catalog
	result  MergedFile
}

// needs is how many bytes the new file may have.
func (m *merger) needs() int64 {
	var bytes int64
	for _, file := range m.files {
		if file.Rows > 0 {
			bytes += file.Bytes
		}
	}
	return bytes
}

// fill writes the new file.
func (m *merger) fill(ctx context.Context) error {
	found := slices.IndexFunc(m.files, m.isBase)
	if found < 0 {
		if err := m.want.create(ctx, m.conn, m.path); err != nil {
			return err
		}
		return m.insert(ctx, m.files, InputFile{})
	}
	base, rest := m.files[found], slices.Concat(m.files[:found], m.files[found+1:])
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return readAll(ctx, m.reader, base) })
	both.Go(func() error {
		if err := m.copyBase(ctx, base); err != nil {
			return err
		}
		return m.insert(ctx, rest, base)
	})
	return both.Wait()
}

// insert adds the rows of files to the new one, which has those of base already.
func (m *merger) insert(ctx context.Context, files []InputFile, base InputFile) error {
	for _, table := range m.want.Tables {
		sources, err := insertFrom(ctx, m.conn, table, files)
		if err != nil {
			return err
		}
		if copied, _ := base.catalog.find(table.Schema, table.Name); copied.Rows > 0 {
			sources++
		}
		if sources > 1 {
			if err := m.checkKeys(ctx, table); err != nil {
				return err
			}
		}
		done := TableResult{Schema: table.Schema, Name: table.Name, Columns: len(table.Columns), Rows: table.Rows, Files: sources}
		m.result.Tables = append(m.result.Tables, done)
		m.options.done(done)
	}
	return nil
}

// isBase says whether a file can become the new one by adding to a copy of it: it has rows,
// and nothing in it would have to change: hyperd adds foreign keys to a table, but neither a
// primary key nor nullability in every case.
func (m *merger) isBase(file InputFile) bool {
	if file.Rows == 0 || file.catalog.FormatVersion != m.want.FormatVersion {
		return false
	}
	return !slices.ContainsFunc(file.catalog.Tables, func(t CatalogTable) bool {
		want, _ := m.want.find(t.Schema, t.Name)
		return !t.sameDefinition(want)
	})
}

// copyBase makes the new file a copy of one of the others, and adds to it what that lacks.
func (m *merger) copyBase(ctx context.Context, base InputFile) error {
	if err := copyFile(ctx, base.Path, m.path); err != nil {
		return failure.New(failure.Storage, "copy %s: %w", base.Path, err).WithHint("%s", storage.Hint(err))
	}
	if err := m.conn.Attach(ctx, m.path, outputAlias); err != nil {
		return fmt.Errorf("open the copy of %s: %w", base.Path, err)
	}
	m.result.Base = base.Path
	return m.want.complete(ctx, m.conn, outputAlias, base.catalog)
}

// checkKeys warns of keys that were unique in every file, perhaps, but are not any more:
// whoever trusts them gets wrong answers.
func (m *merger) checkKeys(ctx context.Context, table CatalogTable) error {
	keys := table.UniqueKeys
	if len(table.PrimaryKey) > 0 {
		keys = append([][]string{table.PrimaryKey}, keys...)
	}
	for _, key := range keys {
		rows, err := repeated(ctx, m.conn, outputAlias, table, key)
		if err != nil {
			return err
		}
		if rows != "0" {
			m.result.Warnings = append(m.result.Warnings, fmt.Sprintf(
				"table %s: the assumed key (%s) does not hold: %s rows repeat others; queries may give wrong results",
				table, strings.Join(key, ", "), rows))
		}
	}
	return nil
}
