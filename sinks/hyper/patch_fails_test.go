package hyper

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
)

// rightPatch changes two units of [patchBase].
func rightPatch(base, added string) Patch {
	return Patch{Layout: patchLayout(), Base: base, Added: added, Tables: []TablePatch{
		{Rows: 4},
		{Columns: orderUnits, Rows: 5, Units: []PatchedUnit{
			{Values: []string{"DATE '2026-11-01'", "'CZ'"}, Before: 2, After: 1},
			{Values: []string{"NULL", "NULL"}, Before: 1, After: 1},
		}},
	}}
}

// addedTo is what comes by [rightPatch].
func addedTo(t testing.TB) string {
	return built(t, patchLayout(), "INSERT INTO "+ordersMade+` VALUES (DATE '2026-11-01', 20, 'CZ'), (NULL, 30, NULL)`)
}

// changedLayout is that of [patchBase] but for a change.
func changedLayout(change func(l *Layout)) Layout {
	l := patchLayout()
	change(&l)
	return l
}

// requireNotMade has a patch fail, and nothing stay.
func requireNotMade(ctx context.Context, t *testing.T, p Patch, options FileOptions, kind failure.Kind, says string) error {
	t.Helper()
	folder := t.TempDir()
	_, err := p.Make(ctx, hyperdtest.Acquire(t), filepath.Join(folder, "next.hyper"), options)
	require.ErrorContains(t, err, says)
	assert.Equal(t, kind, failure.Of(err, failure.Engine).Kind, err)
	requireEmpty(t, folder)
	return err
}

// A base that is another extract than the patch was made for is told from all else.
func TestPatchOfAnotherBase(t *testing.T) {
	base, added := patchBase(t), addedTo(t)
	made(t, rightPatch(base, added))
	whole, err := os.ReadFile(base)
	require.NoError(t, err)
	write := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "other.hyper")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	cases := []struct {
		name, says string
		change     func(p *Patch)
	}{
		{"more rows", "holds 4 rows instead of 3", func(p *Patch) { p.Tables[0].Rows = 3 }},
		{"more rows than units had", "holds 6 rows instead of 5", func(p *Patch) { p.Tables[1].Units[0].Before = 1 }},
		{"other rows in units", "have 2 rows in it instead of 3", func(p *Patch) { p.Tables[1].Units[1].Values[1] = "'DE'" }},
		{"units that are one to hyperd", "have 3 rows in it instead of 4", func(p *Patch) {
			p.Tables[1].Units = append(p.Tables[1].Units, PatchedUnit{Values: []string{"CAST(NULL AS DATE)", "NULL"}, Before: 1})
			p.Tables[1].Rows--
		}},
		{"another type", "other columns or keys", func(p *Patch) {
			p.Layout = changedLayout(func(l *Layout) { l.Tables[1].Columns[2].SQLType = "BYTES" })
		}},
		{"another order of columns", "other columns or keys", func(p *Patch) {
			p.Layout = changedLayout(func(l *Layout) { c := l.Tables[0].Columns; c[0], c[1] = c[1], c[0] })
		}},
		{"NULL is let in", "other columns or keys", func(p *Patch) {
			p.Layout = changedLayout(func(l *Layout) { l.Tables[0].Columns[1].Nullable = false })
		}},
		{"another key", "other columns or keys", func(p *Patch) {
			p.Layout = changedLayout(func(l *Layout) { l.Tables[0].PrimaryKey = nil })
		}},
		{"another foreign key", "other columns or keys", func(p *Patch) {
			p.Layout = changedLayout(func(l *Layout) { l.Tables[1].ForeignKeys = nil })
		}},
		{"another table", `no table Extract.Orders`, func(p *Patch) {
			p.Layout = changedLayout(func(l *Layout) { l.Tables[1].Name = "Orders" })
		}},
		{"another version", "format version 2 instead of 3", func(p *Patch) { p.Layout.Version = 3 }},
		{"a table less", "1 tables instead of 2", func(p *Patch) {
			p.Base = built(t, changedLayout(func(l *Layout) { l.Tables = l.Tables[:1] }))
		}},
		{"it is cut off", "other.hyper", func(p *Patch) { p.Base = write(whole[:len(whole)/2]) }},
		{"it is no .hyper file", "other.hyper", func(p *Patch) { p.Base = write([]byte("PAR1")) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := rightPatch(base, added)
			c.change(&p)
			for _, p.Anew = range []bool{false, true} {
				err := requireNotMade(t.Context(), t, p, FileOptions{}, failure.Hyperd, c.says)
				require.ErrorIs(t, err, ErrBase)
				assert.ErrorContains(t, err, p.Base)
				assert.Equal(t, "build the extract in full", failure.Of(err, failure.Engine).Hint)
			}
		})
	}
}

// A base that cannot be read in what the patch needs of it.
func TestPatchOfADamagedBase(t *testing.T) {
	layout := Layout{Version: MinVersion, Tables: []Table{{Schema: "Extract", Name: "t", Columns: []Column{
		{Name: "n", SQLType: "INTEGER"}, {Name: "u", SQLType: "TEXT"},
	}}}}
	base := built(t, layout, `INSERT INTO made."Extract"."t" SELECT generate_series, 'some row ' || generate_series FROM generate_series(1, 300000)`)
	content, err := os.ReadFile(base)
	require.NoError(t, err)
	for at := len(content) / 20; at < len(content)*9/10; at++ {
		content[at] = 0xde
	}
	require.NoError(t, os.WriteFile(base, content, 0o600))
	p := Patch{Layout: layout, Base: base, Tables: []TablePatch{
		{Columns: []string{"u"}, Units: []PatchedUnit{{Values: []string{"'some row 7'"}, Before: 1}}, Rows: 299_999},
	}}
	for _, p.Anew = range []bool{false, true} {
		err = requireNotMade(t.Context(), t, p, FileOptions{}, failure.Hyperd, "corrupt")
		assert.ErrorIs(t, err, ErrBase)
	}
}

func TestPatchFails(t *testing.T) {
	base, added := patchBase(t), addedTo(t)
	cases := []struct {
		name   string
		kind   failure.Kind
		says   string
		change func(p *Patch)
	}{
		{"the base is gone", failure.Storage, "gone", func(p *Patch) { p.Base += ".gone" }},
		{"what comes is gone", failure.Storage, "gone", func(p *Patch) { p.Added += ".gone" }},
		{"what comes has other columns", failure.Engine, "other columns or keys", func(p *Patch) {
			p.Added = built(t, changedLayout(func(l *Layout) { l.Tables[1].Columns[2].SQLType = "BYTES" }))
		}},
		{"other units come", failure.Engine, "the unit (NULL, 'CZ') has 0 rows instead of 1", func(p *Patch) {
			p.Tables[1].Units[1].Values[1] = "'CZ'"
		}},
		{"more rows come than units have", failure.Engine, "holds 2 rows, but the units that changed have 1", func(p *Patch) {
			p.Tables[1].Units[0].After = 0
		}},
		{"fewer rows come than the table has", failure.Engine, "holds 2 rows of 3", func(p *Patch) {
			p.Tables[1] = TablePatch{Whole: true, Rows: 3}
		}},
		{"no such column", failure.Engine, `no column "Day"`, func(p *Patch) { p.Tables[1].Columns = []string{"day", "Day"} }},
		{"no column", failure.Engine, "no columns to know them by", func(p *Patch) { p.Tables[1].Columns = nil }},
		{"a value is missing", failure.Engine, "0 values for the columns", func(p *Patch) { p.Tables[1].Units[0].Values = nil }},
		{"a table is missing", failure.Engine, "the patch has 1 tables", func(p *Patch) { p.Tables = p.Tables[:1] }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := rightPatch(base, added)
			c.change(&p)
			for _, p.Anew = range []bool{false, true} {
				err := requireNotMade(t.Context(), t, p, FileOptions{}, c.kind, c.says)
				assert.NotErrorIs(t, err, ErrBase)
			}
		})
	}
}

// What happens between the looks at the files and the copy.
func TestPatchIsInterrupted(t *testing.T) {
	base, added := patchBase(t), addedTo(t)
	ctx, interrupt := context.WithCancel(t.Context())
	cases := []struct {
		name string
		kind failure.Kind
		says string
		free func(string) (uint64, error)
	}{
		{"no room", failure.Storage, "has only 1.0 kB free", func(string) (uint64, error) { return 1000, nil }},
		{"hyperd is killed", failure.Hyperd, "hyperd ended unexpectedly", func(string) (uint64, error) {
			killHyperd(t)
			return 1 << 60, nil
		}},
		{"an interrupt", failure.Storage, "context canceled", func(string) (uint64, error) {
			interrupt()
			return 1 << 60, nil
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := requireNotMade(ctx, t, rightPatch(base, added), FileOptions{FreeBytes: c.free}, c.kind, c.says)
			assert.NotErrorIs(t, err, ErrBase)
		})
	}
}
