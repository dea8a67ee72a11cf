package iceberg_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
)

// said is what independent readers say of a version of a table; testdata/make_fixtures.py says how it came about.
type said struct {
	Ref      *string `json:"ref"`
	ID       *int64  `json:"id"`
	Time     int64   `json:"time"`
	Snapshot int64   `json:"snapshot"`
	Columns  []struct {
		Name     string          `json:"name"`
		Type     json.RawMessage `json:"type"`
		Nullable bool            `json:"nullable"`
	} `json:"columns"`
	Files []struct {
		Content int     `json:"content"`
		Path    string  `json:"file_path"`
		Rows    int64   `json:"record_count"`
		Size    int64   `json:"file_size_in_bytes"`
		Fields  []int32 `json:"equality_ids"`
	} `json:"files"`
	Count int      `json:"count"`
	Keys  []string `json:"keys"` // all values of the first column, sorted as texts
	Rows  []string `json:"rows"` // all values of all columns, if these are simple
	Py    struct {
		Keys    []string `json:"keys"`
		Refuses string   `json:"refuses"`
	} `json:"pyiceberg"`
}

// version is the version as it is asked for.
func (s said) version() iceberg.Version {
	switch {
	case s.ID != nil:
		return iceberg.Snapshot(*s.ID)
	case s.Ref != nil:
		return iceberg.Ref(*s.Ref)
	}
	return iceberg.Latest()
}

// String names the version.
func (s said) String() string {
	if s.Ref != nil {
		return *s.Ref
	}
	return fmt.Sprint(s.Snapshot)
}

// fixture is what is said of a table in testdata.
func fixture(t testing.TB, name string) []said {
	t.Helper()
	var all struct {
		Versions []said `json:"versions"`
	}
	raw, err := os.ReadFile(placeOf(name) + ".json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &all))
	require.NotEmpty(t, all.Versions)
	return all.Versions
}

// moreTables names a folder with tables that testdata/random_tables.py made, which are held against what is said of them, too.
const moreTables = "HYPERLAKE_ICEBERG_TABLES"

// placeOf is where a table is.
func placeOf(name string) string {
	place := filepath.Join("testdata", name)
	if _, err := os.Stat(place); err != nil && os.Getenv(moreTables) != "" {
		return filepath.Join(os.Getenv(moreTables), name)
	}
	return place
}

// fixtures are the tables in testdata.
func fixtures(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	if folder := os.Getenv(moreTables); folder != "" {
		more, err := filepath.Glob(filepath.Join(folder, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, more)
		found = append(found, more...)
	}
	for i, path := range found {
		found[i] = strings.TrimSuffix(filepath.Base(path), ".json")
	}
	require.NotEmpty(t, found)
	return found
}

func TestWhatIndependentReadersSay(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, want := range fixture(t, name) {
				snapshot, err := iceberg.Open(t.Context(), placeOf(name), want.version())
				require.NoError(t, err, want)
				assert.Equal(t, fmt.Sprint(want.Snapshot), snapshot.Version, want)
				requireColumns(t, want, snapshot)
				files := filesOf(t, snapshot)
				requireFiles(t, want, name, files)
				keys := keysOf(t, snapshot, files, snapshot.Columns[:1])
				assert.Equal(t, want.Keys, short(keys), want)
				assert.Len(t, keys, want.Count)
				if want.Rows != nil {
					assert.Equal(t, want.Rows, short(keysOf(t, snapshot, files, snapshot.Columns)), want)
				}
				if want.Py.Refuses == "" {
					assert.Equal(t, want.Py.Keys, short(keys), want)
				}
				assert.Equal(t, files, filesOf(t, snapshot), "another time")
			}
		})
	}
}

// short is what the JSON of a fixture has of keys: of many, only the SHA-256 of their lines.
func short(keys []string) []string {
	if len(keys) < 1000 {
		return keys
	}
	return []string{fmt.Sprintf("sha256 %x", sha256.Sum256([]byte(strings.Join(keys, "\n")+"\n")))}
}

func TestVersionsByTime(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"positions", "evolved"} { // of which every snapshot was current once
		branches := map[string]bool{"aside": true}
		for _, want := range fixture(t, name) {
			if want.ID == nil || slices.ContainsFunc(fixture(t, name), func(s said) bool {
				return s.Ref != nil && branches[*s.Ref] && s.Snapshot == want.Snapshot
			}) {
				continue
			}
			snapshot, err := iceberg.Open(t.Context(), placeOf(name), iceberg.At(time.UnixMilli(want.Time)))
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprint(want.Snapshot), snapshot.Version)
			assert.Equal(t, want.Time, snapshot.Time.UnixMilli())
			requireColumns(t, want, snapshot)
		}
	}
}

// requireColumns compares the columns with those that Spark has.
func requireColumns(t *testing.T, want said, snapshot *lake.Snapshot) {
	t.Helper()
	require.Len(t, snapshot.Columns, len(want.Columns))
	for i, column := range snapshot.Columns {
		assert.Equal(t, want.Columns[i].Name, column.Name)
		assert.JSONEq(t, string(withoutMetadata(t, want.Columns[i].Type)), sparkType(t, column.Type, column.Logical), column.Name)
		assert.Equal(t, want.Columns[i].Nullable, column.Nullable, column.Name)
	}
}

// withoutMetadata leaves out of a type in JSON what Spark does not show everywhere.
func withoutMetadata(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	var parsed any
	require.NoError(t, json.Unmarshal(raw, &parsed))
	var strip func(any)
	strip = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			delete(v, "metadata")
			for _, inner := range v {
				strip(inner)
			}
		case []any:
			for _, inner := range v {
				strip(inner)
			}
		}
	}
	strip(parsed)
	stripped, err := json.Marshal(parsed)
	require.NoError(t, err)
	return stripped
}

// sparkType writes a type as Spark does, which has no UUIDs, times of day and bytes of fixed size.
func sparkType(t *testing.T, typ arrow.DataType, logical string) string {
	t.Helper()
	switch typ := typ.(type) {
	case *arrow.StructType:
		var fields []string
		for _, field := range typ.Fields() {
			fields = append(fields, fmt.Sprintf(`{"name":%q,"type":%s,"nullable":%t}`, field.Name, sparkType(t, field.Type, ""), field.Nullable))
		}
		return `{"type":"struct","fields":[` + strings.Join(fields, ",") + `]}`
	case *arrow.ListType:
		return fmt.Sprintf(`{"type":"array","elementType":%s,"containsNull":%t}`, sparkType(t, typ.Elem(), ""), typ.ElemField().Nullable)
	case *arrow.MapType:
		return fmt.Sprintf(`{"type":"map","keyType":%s,"valueType":%s,"valueContainsNull":%t}`,
			sparkType(t, typ.KeyType(), ""), sparkType(t, typ.ItemType(), ""), typ.ItemField().Nullable)
	case *arrow.Decimal128Type:
		return fmt.Sprintf(`"decimal(%d,%d)"`, typ.Precision, typ.Scale)
	case *arrow.TimestampType:
		if typ.TimeZone == "" {
			return `"timestamp_ntz"`
		}
		return `"timestamp"`
	case *arrow.FixedSizeBinaryType:
		if logical == "uuid" {
			return `"string"`
		}
		return `"binary"`
	}
	names := map[arrow.Type]string{
		arrow.STRING: "string", arrow.INT32: "integer", arrow.INT64: "long", arrow.FLOAT32: "float", arrow.FLOAT64: "double",
		arrow.BOOL: "boolean", arrow.BINARY: "binary", arrow.DATE32: "date",
	}
	require.Contains(t, names, typ.ID())
	return fmt.Sprintf("%q", names[typ.ID()])
}

// requireFiles compares the files with those that Spark lists, and the files that delete rows of them.
func requireFiles(t *testing.T, want said, name string, files []lake.File) {
	t.Helper()
	here := func(path string) string {
		_, inside, ok := strings.Cut(path, "/"+name+"/")
		require.True(t, ok, path)
		return filepath.Join(placeOf(name), inside)
	}
	wanted, isDelete := []string{}, map[string]bool{}
	for _, file := range want.Files {
		if file.Content == 0 {
			wanted = append(wanted, fmt.Sprint(here(file.Path), file.Path, file.Size, file.Rows))
		} else {
			isDelete[fmt.Sprint(here(file.Path), file.Rows, file.Fields)] = true
		}
	}
	found := []string{}
	for _, file := range files {
		found = append(found, fmt.Sprint(file.URI, file.Path, file.Size, file.Rows))
		for _, deletes := range slices.Concat(file.PositionDeletes, file.EqualityDeletes) {
			assert.True(t, isDelete[fmt.Sprint(deletes.URI, deletes.Rows, deletes.Fields)], deletes.URI)
		}
		if file.Deletes != nil {
			assert.True(t, isDelete[fmt.Sprint(file.Deletes.URI, file.Deletes.Cardinality, []int32(nil))], file.Deletes.URI)
		}
	}
	slices.Sort(wanted)
	slices.Sort(found)
	assert.Equal(t, wanted, found, want)
}
