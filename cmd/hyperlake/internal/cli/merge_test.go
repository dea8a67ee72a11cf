package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMergeReportsAsJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	one := makeHyper(t, "one.hyper", 2, twoTables...)
	two := makeHyper(t, "two.hyper", 3, `CREATE TABLE new.public."ů""" (a INTEGER NOT NULL DEFAULT 5)`, `INSERT INTO new.public."ů""" VALUES (1)`)

	got := run(t, "", "merge", "-o", "all.hyper", one, two, "--json")

	require.Equal(t, 0, got.code, got.stderr)
	assert.Contains(t, got.stderr, `merged "Extract"."orders": 1,200 rows from 1 file`+"\n"+`merged "public"."lineitem": 0 rows from 0 files`+"\n"+`merged "public"."ů""": 1 row from 1 file`)
	var report struct {
		Output struct {
			Path  string
			Bytes int64
		}
		FormatVersion int `json:"format_version"`
		Base          *string
		Inputs        []struct {
			Path        string
			Bytes, Rows int64
		}
		Tables []struct {
			Schema, Name string
			Columns      int
			Rows, Files  int64
		}
		Warnings []string
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &report), got.stdout)
	stat, err := os.Stat("all.hyper")
	require.NoError(t, err)
	assert.Equal(t, "all.hyper", report.Output.Path)
	assert.Equal(t, stat.Size(), report.Output.Bytes)
	assert.EqualValues(t, 0o644, stat.Mode().Perm())
	assert.Equal(t, 3, report.FormatVersion)
	require.NotNil(t, report.Base)
	assert.Equal(t, two, *report.Base, "the larger one has a lower format version")
	assert.Equal(t, one, report.Inputs[0].Path)
	assert.EqualValues(t, 1200, report.Inputs[0].Rows)
	assert.Len(t, report.Tables, 3)
	assert.NotNil(t, report.Warnings)
}

func TestMergeKeepsTheOutputWhenAnInputIsDamaged(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	whole := makeHyper(t, "whole.hyper", 2, twoTables...)
	content, err := os.ReadFile(whole)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("cut.hyper", content[:len(content)/2], 0o600))
	require.NoError(t, os.WriteFile("out.hyper", []byte("before"), 0o600))

	for _, args := range [][]string{
		{"merge", "-o", "out.hyper", whole, "cut.hyper"},
		{"defrag", "-o", "out.hyper", "cut.hyper"},
	} {
		got := run(t, "", args...)

		assert.Equal(t, 1, got.code)
		assert.Regexp(t, `hyperlake: .*open cut.hyper: .*truncated \(hyperd error XX001\); build the file again\n$`, got.stderr)
		out, err := os.ReadFile("out.hyper")
		require.NoError(t, err)
		assert.Equal(t, "before", string(out))
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		assert.Len(t, left, 2)
	}
}

func TestMergeListsDifferences(t *testing.T) {
	one := makeHyper(t, "one.hyper", 2, `CREATE TABLE new.public.t (a INTEGER, b TEXT)`)
	two := makeHyper(t, "two.hyper", 2, `CREATE TABLE new.public.t (a TEXT NOT NULL, b TEXT COLLATE "en_US")`, `INSERT INTO new.public.t VALUES ('x', 'y')`)
	output := filepath.Join(t.TempDir(), "out.hyper")

	got := run(t, "", "merge", "-o", output, one, two, "--json")

	assert.Equal(t, 2, got.code)
	assert.Equal(t, `"public"."t"."a": TEXT NOT NULL in two.hyper, INTEGER in one.hyper
"public"."t"."b": TEXT COLLATE "en_US" in two.hyper, TEXT in one.hyper
hyperlake: the schemas differ: "public"."t"."a": TEXT NOT NULL in two.hyper, INTEGER in one.hyper; and 1 more; merge the files that agree, or rebuild the others
`, got.stderr)
	var report struct {
		Differences []struct {
			Schema, Table, Column string
			Forms                 []struct {
				Is    string
				Files []string
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &report), got.stdout)
	require.Len(t, report.Differences, 2)
	assert.Equal(t, "a", report.Differences[0].Column)
	assert.Equal(t, []string{two}, report.Differences[0].Forms[0].Files)
	assert.NoFileExists(t, output)
}

func TestDefragNamesTheNewFileAfterTheOld(t *testing.T) {
	for name, want := range map[string]string{"a.hyper": "a.new.hyper", "b c": "b c.new.hyper", "d.tde": "d.tde.new.hyper"} {
		made := makeHyper(t, "made.hyper", 2, twoTables...)
		old := filepath.Join(filepath.Dir(made), name)
		require.NoError(t, os.Rename(made, old))

		got := run(t, "", "defrag", old)

		assert.Equal(t, 0, got.code, got.stderr)
		assert.FileExists(t, filepath.Join(filepath.Dir(made), want))
	}
}
