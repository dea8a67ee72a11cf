package hyper_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

// A layout knows its own extract again, whatever types it has, with and without NULL.
func TestPatchOfEveryType(t *testing.T) {
	layouts := map[hyper.Version]*hyper.Layout{}
	for i, c := range typeCases() {
		for at, nullable := range []bool{true, false} {
			field := c.field()
			field.Nullable = nullable
			column, err := hyper.MapField(field, c.format)
			require.NoError(t, err, c.name)
			column.Name = fmt.Sprint("column ", i)
			version := max(column.Version, hyper.MinVersion)
			if layouts[version] == nil {
				layouts[version] = &hyper.Layout{Version: version, Tables: []hyper.Table{{Schema: "a", Name: "t"}, {Schema: "b", Name: "t"}}}
			}
			table := &layouts[version].Tables[at]
			table.Columns = append(table.Columns, column)
		}
	}
	require.Greater(t, len(layouts), 1)
	for version, layout := range layouts {
		lease, folder := hyperdtest.Acquire(t), t.TempDir()
		base, err := hyper.Merge(t.Context(), lease, *layout, nil, filepath.Join(folder, "base.hyper"))
		require.NoError(t, err)
		added, err := hyper.Merge(t.Context(), lease, *layout, nil, filepath.Join(folder, "added.hyper"))
		require.NoError(t, err)
		for _, anew := range []bool{false, true} {
			patch := hyper.Patch{Layout: *layout, Base: base.Path, Added: added.Path, Anew: anew}
			patch.Tables = make([]hyper.TablePatch, len(layout.Tables))
			file, err := patch.Make(t.Context(), lease, filepath.Join(folder, fmt.Sprint(anew)), hyper.FileOptions{})
			require.NoError(t, err)
			assert.Equal(t, version, readCatalog(t, file.Path).FormatVersion)
		}
	}
}
