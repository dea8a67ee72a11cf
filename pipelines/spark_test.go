package pipelines_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/runtest"
)

// The tables that Spark, delta-rs and pyiceberg wrote, and what they say of them.
const (
	deltaFixtures   = "../internal/lake/delta/testdata"
	icebergFixtures = "../internal/lake/iceberg/testdata"
)

// writtenVersion is what the writers of a table say of a version.
type writtenVersion struct {
	name    string // as source.version has it
	Columns []struct {
		Name string
		Type sparkType
	}
	rows int64
	Keys []string // the first column; of many, the hash

	values [][]*string // of all rows, as Spark writes them as text; nil where there are many
}

// deltaVersion and icebergVersion are a version as the descriptions of the formats have it.
type (
	deltaVersion struct {
		writtenVersion
		Version int
		Rows    int64
	}
	icebergVersion struct {
		writtenVersion
		ID    *int64
		Ref   *string
		Count int64
	}
)

// sparkType is the name of a type, of which nested ones are all the same.
type sparkType string

func (s *sparkType) UnmarshalJSON(raw []byte) error {
	if raw[0] == '{' {
		*s = "nested"
		return nil
	}
	return json.Unmarshal(raw, (*string)(s))
}

// Every version of every table that Spark and delta-rs wrote is loaded with all its values, by both engines.
func TestDeltaTablesOfSpark(t *testing.T) {
	t.Parallel()
	eachFixture(t, deltaFixtures, func(t *testing.T, name string) {
		folder := copyOfTable(t, name)
		versions := deltaVersions(t, name)
		for i, version := range versions {
			if version.rows == 0 {
				continue
			}
			for _, engine := range enginesOf(i, len(versions)) {
				version.compare(t, folder, engine)
			}
		}
	})
}

// Every version of every Iceberg table that Spark and pyiceberg wrote is loaded so, too.
func TestIcebergTablesOfSpark(t *testing.T) {
	t.Parallel()
	eachFixture(t, icebergFixtures, func(t *testing.T, name string) {
		folder, err := filepath.Abs(filepath.Join(icebergFixtures, name))
		require.NoError(t, err)
		versions := icebergVersions(t, name)
		for i, version := range versions {
			for _, engine := range enginesOf(i, len(versions)) {
				version.compare(t, folder, engine)
			}
		}
	})
}

// enginesOf are those by which a version of a table is read: the last one by both, the others by turns.
func enginesOf(version, count int) []string {
	engines := []string{"auto", "go"}
	if everyCombination || version == count-1 {
		return engines
	}
	return engines[version%2:][:1]
}

// eachFixture runs a test with every table that is described in a folder.
func eachFixture(t *testing.T, folder string, test func(t *testing.T, name string)) {
	t.Helper()
	described, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, described)
	for _, path := range described {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name)
		})
	}
}

// deltaVersions is what is said of the versions of a Delta table.
func deltaVersions(t *testing.T, name string) (versions []*writtenVersion) {
	t.Helper()
	var table struct{ Versions []*deltaVersion }
	readDescription(t, deltaFixtures, name, &table)
	for _, v := range table.Versions {
		v.name, v.rows = strconv.Itoa(v.Version), v.Rows
		versions = append(versions, &v.writtenVersion)
	}
	addValues(t, deltaFixtures, name, versions)
	return versions
}

// icebergVersions is what is said of the snapshots, branches and tags of an Iceberg table.
func icebergVersions(t *testing.T, name string) (versions []*writtenVersion) {
	t.Helper()
	var table struct{ Versions []*icebergVersion }
	readDescription(t, icebergFixtures, name, &table)
	for _, v := range table.Versions {
		v.name, v.rows = "latest", v.Count
		switch {
		case v.ID != nil:
			v.name = strconv.FormatInt(*v.ID, 10)
		case v.Ref != nil:
			v.name = *v.Ref
		}
		versions = append(versions, &v.writtenVersion)
	}
	addValues(t, icebergFixtures, name, versions)
	return versions
}

// readDescription reads what is said of a table.
func readDescription(t *testing.T, folder, name string, table any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, name+".json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, table))
}

// addValues adds all values of versions, which have a line for each.
func addValues(t *testing.T, folder, name string, versions []*writtenVersion) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, name+".rows"))
	require.NoError(t, err)
	values := map[string][][]*string{}
	for lines := json.NewDecoder(bytes.NewReader(content)); ; {
		var line struct {
			Version json.RawMessage // a number or a text
			Rows    [][]*string
		}
		if err := lines.Decode(&line); err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		values[strings.Trim(string(line.Version), `"`)] = line.Rows
	}
	for _, version := range versions {
		version.values = values[version.name]
		require.Equal(t, version.rows < 1000, version.values != nil, "%s, version %s", name, version.name)
		if version.values != nil {
			require.Len(t, version.values, int(version.rows))
		}
	}
}

// copyOfTable copies a table, and the one that it is a clone of, to where the paths in its log lead.
func copyOfTable(t *testing.T, name string) (folder string) {
	t.Helper()
	root := t.TempDir()
	for _, table := range []string{name, name + "_source"} {
		if _, err := os.Stat(filepath.Join(deltaFixtures, table)); err != nil {
			continue
		}
		require.NoError(t, os.CopyFS(filepath.Join(root, table), os.DirFS(filepath.Join(deltaFixtures, table))))
	}
	logs, err := filepath.Glob(filepath.Join(root, name, "_delta_log", "*.json"))
	require.NoError(t, err)
	for _, log := range logs {
		text, err := os.ReadFile(log)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(log, bytes.ReplaceAll(text, []byte("SOURCE"), []byte(root)), 0o600))
	}
	return filepath.Join(root, name)
}

// compare loads the version of a table, and compares all values; of many rows, those of the first column.
func (v *writtenVersion) compare(t *testing.T, table, engine string) {
	t.Helper()
	what := fmt.Sprintf("version %s, engine %s", v.name, engine)
	cfg := runtest.Configure(t, t.TempDir(), fmt.Sprintf(
		"name: x\nvalidate: {engine: %s}\ntables: [{source: {uri: %s, version: %q, nested: json}}]\n", engine, table, v.name))
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err, what)
	account := report.Tables[0]
	assert.Equal(t, v.rows, account.RowsLoaded, what)
	assert.Equal(t, account.RowsInFiles, account.RowsRead+account.RowsDeleted+account.RowsPruned, what)
	found, cells := runtest.CellsIn(t, cfg.Output.Path, `SELECT * FROM x."Extract"."Extract"`)
	if v.values == nil {
		assert.Equal(t, v.Keys, []string{hashOfFirst(cells)}, what)
		return
	}
	var types, names []string
	for _, column := range v.Columns {
		types, names = append(types, string(column.Type)), append(names, column.Name)
	}
	assert.Equal(t, names, found, what)
	assert.Equal(t, canonicalRows(t, v.values, types), canonicalRows(t, cells, types), what)
}

// hashOfFirst is a hash of the sorted values of the first column.
func hashOfFirst(rows [][]*string) string {
	var first []string
	for _, row := range rows {
		first = append(first, *row[0])
	}
	slices.Sort(first)
	return fmt.Sprintf("sha256 %x", sha256.Sum256([]byte(strings.Join(first, "\n")+"\n")))
}

// canonicalRows are rows, sorted, with one text for each value, whether Spark or hyperd wrote it.
func canonicalRows(t *testing.T, rows [][]*string, types []string) []string {
	t.Helper()
	texts := make([]string, len(rows))
	for i, row := range rows {
		require.Len(t, row, len(types))
		cells := make([]string, len(row))
		for j, value := range row {
			if cells[j] = "NULL"; value != nil {
				cells[j] = canonicalValue(t, *value, types[j])
			}
		}
		texts[i] = strings.Join(cells, " | ")
	}
	slices.Sort(texts)
	return texts
}

// canonicalValue is the one text of a value of a type, which Spark names.
func canonicalValue(t *testing.T, text, kind string) string {
	t.Helper()
	switch {
	case kind == "float" || kind == "double":
		bits := 64
		if kind == "float" {
			bits = 32
		}
		value, err := strconv.ParseFloat(text, bits)
		require.NoError(t, err)
		return strconv.FormatFloat(value+0, 'g', -1, bits)
	case strings.HasPrefix(kind, "decimal"):
		value, ok := new(big.Rat).SetString(text)
		require.True(t, ok, text)
		return value.RatString()
	case strings.HasPrefix(kind, "timestamp"):
		at, err := time.Parse("2006-01-02 15:04:05", strings.TrimSuffix(text, "+00"))
		require.NoError(t, err)
		return at.Format(time.RFC3339Nano)
	case kind == "time":
		at, err := time.Parse("15:04:05", text)
		require.NoError(t, err)
		return at.Format(time.RFC3339Nano)
	case kind == "boolean":
		return text[:1]
	case kind == "binary":
		return strings.ToLower(strings.TrimPrefix(text, `\x`))
	case kind == "nested":
		return canonicalJSON(t, text)
	}
	return strconv.Quote(text)
}

// canonicalJSON is JSON with its names in the order of the alphabet, and its numbers as they are.
func canonicalJSON(t *testing.T, text string) string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(t, decoder.Decode(&value), text)
	canonical, err := json.Marshal(value)
	require.NoError(t, err)
	return string(canonical)
}
