package iceberg

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"

	"hyperlake/internal/lake"
)

// seeds adds the files of the fixtures that match a pattern.
func seeds(f *testing.F, pattern string) {
	f.Helper()
	found, err := filepath.Glob(filepath.Join("testdata", "*", "metadata", pattern))
	require.NoError(f, err)
	require.NotEmpty(f, found)
	for _, name := range found {
		raw, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(raw)
	}
}

func FuzzMetadata(f *testing.F) {
	seeds(f, "*.metadata.json")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<20 {
			return
		}
		m, err := parseMetadata(raw)
		if err != nil {
			return
		}
		place := location{folder: "/t"}
		place.info.URI = "/t/metadata/v1.metadata.json"
		table, err := newTable(place, m)
		if err != nil {
			return
		}
		for _, at := range []Version{Latest(), Snapshot(1), Ref("b"), At(time.Unix(1, 0))} {
			chosen, err := table.choose(at)
			if err != nil {
				continue
			}
			if fields, err := table.schemaOf(chosen.schema); err == nil {
				if columns, err := table.columns(fields); err == nil {
					visit(columns, func(c lake.Column) { require.NotNil(t, c.Type); require.Positive(t, c.ID) })
					table.finder(columns)(1)
				}
			}
		}
		_, _ = table.nameMapping()
	})
}

func FuzzManifest(f *testing.F) {
	seeds(f, "*.avro")
	f.Fuzz(func(t *testing.T, raw []byte) {
		for content := range int32(2) {
			r := &manifestReader{manifest: manifest{Content: content}, spec: &spec{fields: []partitionField{{id: 1000, transform: transform{name: identity}}}}, hasBounds: true}
			entries := 0
			_ = readRecords(t.Context(), bytes.NewReader(raw), r.begin, func(file *ocf.Reader) error {
				e, err := r.next(file)
				if entries++; err != nil || e == nil || entries > 10_000 {
					return err
				}
				require.Len(t, e.partition, 1)
				require.NotEmpty(t, e.File.Path)
				require.GreaterOrEqual(t, e.File.Rows, int64(0))
				partitionKey(0, e.partition)
				return nil
			})
		}
	})
}

func FuzzManifestList(f *testing.F) {
	seeds(f, "snap-*.avro")
	f.Fuzz(func(t *testing.T, raw []byte) {
		_ = readRecords(t.Context(), bytes.NewReader(raw), func(records *avro.SchemaNode, _ map[string][]byte) error {
			return choose(records, listFields, moreListFields...)
		}, func(file *ocf.Reader) error {
			var m manifest
			return file.Decode(&m)
		})
	})
}

func FuzzPaths(f *testing.F) {
	f.Add("file:/old/t", "file:///old/t/data/a.parquet", true)
	f.Add("s3a://b/t", "s3://b/t/../x", true)
	f.Add("/lake/t", "gs://b/x", false)
	f.Fuzz(func(t *testing.T, recorded, path string, moved bool) {
		at, err := canonical(recorded)
		if err != nil {
			return
		}
		p := paths{folder: "/here/t", recorded: strings.TrimRight(at, "/"), moved: moved}
		uri, err := p.resolve(path)
		if err == nil && moved {
			require.True(t, strings.HasPrefix(uri, "/here/t/"), uri)
			require.False(t, strings.HasSuffix(uri, "/..") || strings.Contains(uri, "/../"), uri)
		}
	})
}

func FuzzBounds(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, true)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, false)
	kinds := []string{"boolean", "int", "long", "float", "double", "decimal(38, 5)", "date", "time", "timestamp", "timestamptz_ns", "string", "uuid", "binary", "fixed[4]"}
	f.Fuzz(func(t *testing.T, raw []byte, upper bool) {
		for _, kind := range kinds {
			is, _, err := simpleType(kind, "c")
			require.NoError(t, err)
			boundText(is, raw, upper)
			for _, value := range []any{raw, string(raw), int64(len(raw)), nil, float64(len(raw))} {
				for _, by := range []transform{{name: identity}, {truncate, 3}, {name: daily}, {name: monthly}, {name: yearly}, {name: hourly}} {
					least, most, _ := by.bounds(is, value)
					valueText(is, least)
					valueText(is, most)
				}
			}
		}
	})
}

func TestPartitionKeys(t *testing.T) {
	t.Parallel()
	values := []any{nil, false, true, int64(0), int64(1), float64(0), 1.5, "", "0", "n", []byte{}, []byte("0")}
	seen := map[string]bool{}
	for spec := range int32(2) {
		for _, a := range values {
			for _, b := range values {
				key := partitionKey(spec, []any{a, b})
				assert.False(t, seen[key], "%v %v", a, b)
				seen[key] = true
			}
		}
	}
	zero := math.Copysign(0, -1)
	assert.Equal(t, partitionKey(0, []any{0.0, math.NaN()}), partitionKey(0, []any{zero, math.Float64frombits(math.Float64bits(math.NaN()) ^ 1)}))
}

func TestTwosComplement(t *testing.T) {
	t.Parallel()
	most := new(big.Int).Lsh(big.NewInt(1), 127)
	for _, n := range []*big.Int{big.NewInt(0), big.NewInt(-1), big.NewInt(255), most, new(big.Int).Neg(most)} {
		assert.Zero(t, n.Cmp(unscaledOf(twosComplement(n))), n)
	}
	assert.Equal(t, "-1.00", decimalText([]byte{0x9c}, &arrow.Decimal128Type{Precision: 9, Scale: 2}))
	assert.Equal(t, uint64(1), binary.BigEndian.Uint64(twosComplement(big.NewInt(1))[9:]))
}
