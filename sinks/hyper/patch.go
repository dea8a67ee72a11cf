package hyper

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
)

// Patch is how one extract becomes the next: rows of the units that changed go, and those that
// they have now come. All other rows stay where they are.
type Patch struct {
	Layout Layout

	// Base is the path of the extract that is there. It stays as it is. The caller has compared
	// its checksum: hyperd finds damage only in what it reads, and a patch passes the rest on.
	Base string

	// Added is the path of an extract of the same layout that holds the rows which come. Empty:
	// none do.
	Added string

	Tables []TablePatch // in the order of the layout

	// Anew has all rows written anew instead of copying the file. It takes twenty times as long, two thirds of a full
	// build, and leaves nothing of the space of rows that went, nor of the small blocks of those that came.
	Anew bool
}

// TablePatch is what a patch does to a table. One with nothing but Rows takes no row away.
type TablePatch struct {
	// Whole says that all rows of the base go.
	Whole bool

	// Columns names the columns of the extract by whose values a row belongs to a unit. None:
	// no unit can be told from the others, so that rows are added only, unless Whole.
	Columns []string

	// Units are those of which rows go or come. Others stay as they are.
	Units []PatchedUnit

	// Rows is how many rows the table has when all is done.
	Rows int64
}

// PatchedUnit is a unit whose rows are replaced.
type PatchedUnit struct {
	// Values are those of the columns, each as a constant of hyperd that has the column's type, as hypersql writes it:
	// DATE '2026-11-01', 'x', NULL. NULL is a value as any other. They become part of statements as they are, and
	// must never come from a file that somebody else may have written.
	Values []string

	Before int64 // its rows in the base, as they were counted then; 0 where the table goes as a whole
	After  int64 // its rows in Added
}

// ErrBase is in the chain of the error of a patch whose base is not the extract that the patch
// was made for. A full build makes it right.
var ErrBase = errors.New("it is not the extract that was built last")

// Make writes the patched extract at path, an absolute path at which nothing stands. Format
// version, keys, nullability and comments stay those of the base. It needs room for a copy of the base, which
// shares its blocks where the file system can, and for Added.
//
// Rows are counted by hyperd: those that go must be as many as the units had, or the error is
// an [ErrBase]; those that come, and those that each unit has afterwards, as many as the patch
// says, or it is a failure of kind Engine. On failure nothing stays at path. The result has
// no tallies.
func (p Patch) Make(ctx context.Context, lease *hyperd.Lease, path string, options FileOptions) (File, error) {
	file, err := p.make(ctx, lease, path, options)
	if err != nil {
		return File{}, fmt.Errorf("patch %s: %w", p.Base, err)
	}
	return file, nil
}

func (p Patch) make(ctx context.Context, lease *hyperd.Lease, path string, options FileOptions) (File, error) {
	sessions, err := openSessions(ctx, lease, 1)
	defer closeSessions(ctx, sessions)
	if err != nil {
		return File{}, err
	}
	m := patcher{Patch: p, conn: sessions[0], path: path}
	if err := m.open(ctx); err != nil {
		return File{}, err
	}
	if err := options.checkRoom(filepath.Dir(path), m.base.Bytes+m.added.Bytes); err != nil {
		return File{}, err
	}
	if err := rewrite(ctx, m.conn, path, m.want, func() error { return m.fill(ctx) }); err != nil {
		return File{}, err
	}
	if err := m.close(ctx); err != nil {
		return File{}, errors.Join(err, removeFile(path))
	}
	counts := make([]int64, len(p.Tables))
	for i, table := range p.Tables {
		counts[i] = table.Rows
	}
	return describe(path, counts, make([]batch.Tally, len(counts)))
}

// patcher is a patch under way.
type patcher struct {
	Patch
	conn  *hyperd.Conn // has the base, Added and the new file
	path  string
	base  InputFile
	added InputFile // zero if there is none
	want  Catalog
}

// fill makes the new file, a copy of the base or an empty one, and fills it table by table.
func (m *patcher) fill(ctx context.Context) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	for i := range m.Tables {
		if err := m.patch(ctx, i); err != nil {
			return fmt.Errorf("table %s: %w", m.Layout.Tables[i], err)
		}
	}
	return nil
}

// begin makes the file that is filled.
func (m *patcher) begin(ctx context.Context) error {
	if m.Anew {
		return m.want.create(ctx, m.conn, m.path)
	}
	if err := copyFile(ctx, m.Base, m.path); err != nil {
		return failure.New(failure.Storage, "copy it to %s: %w", m.path, err).WithHint("%s", storage.Hint(err))
	}
	if err := m.conn.Attach(ctx, m.path, outputAlias); err != nil {
		return fmt.Errorf("open the copy: %w", err)
	}
	return nil
}

// patch replaces the units of a table.
func (m *patcher) patch(ctx context.Context, i int) error {
	units, err := m.listUnits(ctx, i)
	if err != nil {
		return err
	}
	switch {
	case m.Tables[i].Whole && m.Anew: // nothing is there yet
	case m.Tables[i].Whole:
		err = m.empty(ctx, i)
	case m.Anew:
		err = units.keep(ctx)
	default:
		err = units.remove(ctx)
	}
	if err != nil {
		return err
	}
	if err := m.insert(ctx, i); err != nil {
		return err
	}
	return units.check(ctx)
}

// empty takes all rows of a table, in about a third of the time that loading them took. hyperd drops a table at
// once, but with it, if it is to drop foreign keys that lead there, the tables that have them.
func (m *patcher) empty(ctx context.Context, i int) error {
	if _, err := m.conn.Exec(ctx, "TRUNCATE "+m.Layout.Tables[i].in(outputAlias)); err != nil {
		return fmt.Errorf("empty it: %w", err)
	}
	return nil
}

// insert adds the rows that come.
func (m *patcher) insert(ctx context.Context, i int) error {
	table, want := m.Layout.Tables[i], m.comes(i)
	if want == 0 {
		return nil
	}
	statement := fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM %s", table.in(outputAlias), table.columnNames(), table.in(m.added.alias))
	rows, err := m.conn.Exec(ctx, statement)
	if err != nil {
		return fmt.Errorf("insert the rows of %s: %w", m.Added, err)
	}
	if rows != want {
		return miscounted("hyperd took %d of the %d rows of %s", rows, want, m.Added)
	}
	return nil
}

// miscounted is the failure of counts that do not agree.
func miscounted(format string, args ...any) error {
	return failure.New(failure.Engine, format, args...).
		WithHint("nothing was moved into place; run it again, and report this as a defect if it comes back")
}
