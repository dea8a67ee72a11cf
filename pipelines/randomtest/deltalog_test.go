package randomtest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// action is a line of the log of a Delta table.
type action map[string]any

// writeMetadata writes the log.
func (d *deltaTable) writeMetadata(t testing.TB, l lake, root, _ string) {
	t.Helper()
	log := make([][]action, d.commits)
	log[0] = []action{{"protocol": action{"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": []string{"timestampNtz"}, "writerFeatures": []string{"timestampNtz"}}}}
	if d.grows {
		log[0] = append(log[0], l.metadata(d.columns[:len(d.columns)-1]))
		log[d.commits-1] = append(log[d.commits-1], l.metadata(d.columns))
	} else {
		log[0] = append(log[0], l.metadata(d.columns))
	}
	last := d.commits - 1
	for _, f := range l.files {
		if f.delta.again && f.delta.commit < last {
			log[last] = append(log[last], l.add(t, root, f))
			f = f.copied()
			f.delta.said = nothing
		}
		log[f.delta.commit] = append(log[f.delta.commit], l.add(t, root, f))
	}
	for _, f := range d.removed {
		log[f.delta.commit] = append(log[f.delta.commit], l.add(t, root, f))
		log[f.delta.gone] = append(log[f.delta.gone], l.remove(f))
		if !f.delta.onDisk {
			require.NoError(t, os.Remove(filepath.Join(root, f.path(l.keys))))
		}
	}
	if d.later {
		log = append(log, []action{l.remove(l.files[0])})
	}
	require.NoError(t, os.MkdirAll(filepath.Join(root, "_delta_log"), 0o755))
	for version, actions := range log {
		lines := []string{`{"commitInfo":{"timestamp":1700000000000,"operation":"WRITE"}}`}
		for _, action := range actions {
			line, err := json.Marshal(action)
			require.NoError(t, err)
			lines = append(lines, string(line))
		}
		path := filepath.Join(root, "_delta_log", fmt.Sprintf("%020d.json", version))
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	}
}

func (f *file) copied() *file {
	out := *f
	return &out
}

func (l lake) metadata(columns []column) action {
	schema, _ := json.Marshal(map[string]any{"type": "struct", "fields": deltaFields(columns)})
	keys := append([]string{}, l.keys...)
	return action{"metaData": action{
		"id": "t", "format": action{"provider": "parquet", "options": action{}}, "schemaString": string(schema),
		"partitionColumns": keys, "configuration": action{},
	}}
}

// logPath is the path of a file as the log has it.
func (l lake) logPath(f *file) string {
	return strings.ReplaceAll((&url.URL{Path: filepath.ToSlash(f.path(l.keys))}).EscapedPath(), ":", "%3A")
}

func (l lake) add(t testing.TB, root string, f *file) action {
	stat, err := os.Stat(filepath.Join(root, f.path(l.keys)))
	require.NoError(t, err)
	add := action{
		"path": l.logPath(f), "partitionValues": l.partitionValues(f), "size": stat.Size(),
		"modificationTime": stat.ModTime().UnixMilli(), "dataChange": true,
	}
	if f.delta.said != nothing {
		stats, err := json.Marshal(f.statistics())
		require.NoError(t, err)
		add["stats"] = string(stats)
	}
	return action{"add": add}
}

func (l lake) partitionValues(f *file) map[string]*string {
	values := map[string]*string{}
	for i, key := range l.keys {
		values[key] = f.folders[i]
	}
	return values
}

func (l lake) remove(f *file) action {
	return action{"remove": action{
		"path": l.logPath(f), "deletionTimestamp": 1_700_000_000_000, "dataChange": true,
		"extendedFileMetadata": true, "partitionValues": l.partitionValues(f),
	}}
}

// statistics is what the log says of the values in a file.
func (f *file) statistics() map[string]any {
	all := map[string]any{"numRecords": len(f.rows)}
	if f.delta.said == rowsOnly {
		return all
	}
	nulls, least, most := map[string]int{}, map[string]any{}, map[string]any{}
	for at, c := range f.columns {
		if c.kind.class == nests {
			continue
		}
		var values []any
		for _, row := range f.rows {
			if row[at] != nil {
				values = append(values, row[at])
			}
		}
		nulls[c.name] = len(f.rows) - len(values)
		low, high, ok := f.bounds(c.kind, values)
		if ok {
			least[c.name], most[c.name] = low, high
		}
	}
	all["nullCount"], all["minValues"], all["maxValues"] = nulls, least, most
	return all
}

// bounds are those of some values as writers say them, if they do.
func (f *file) bounds(k *kind, values []any) (low, high any, ok bool) {
	least, most, ok := extremes(values)
	if !ok || k.class == booleans || k.class == blobs {
		return nil, nil, false
	}
	low, lowOK := f.bound(k, least, false)
	high, highOK := f.bound(k, most, true)
	return low, high, lowOK && highOK && !slices.ContainsFunc(values, isNotUTF8)
}

// extremes are the least and the greatest of some values, if they have an order.
func extremes(values []any) (least, most any, ok bool) {
	if len(values) == 0 {
		return nil, nil, false
	}
	least, most = values[0], values[0]
	for _, v := range values {
		if _, ordered := compare(v, v); !ordered {
			return nil, nil, false
		}
		if order, _ := compare(v, least); order < 0 {
			least = v
		}
		if order, _ := compare(v, most); order > 0 {
			most = v
		}
	}
	return least, most, true
}

func isNotUTF8(v any) bool {
	text, ok := v.(string)
	return ok && !utf8.ValidString(text)
}

// cutAt is how many characters of a bound are written.
const cutAt = 32

func (f *file) bound(k *kind, v any, upper bool) (any, bool) {
	switch v := v.(type) {
	case string:
		letters := []rune(v)
		if len(letters) <= cutAt {
			return v, true
		}
		if v = string(letters[:cutAt]); upper {
			v += "\U0010ffff"
		}
		return v, true
	case *big.Rat:
		_, behind := digits(k)
		if f.delta.rounded && k.class == decimals {
			rounded, _ := v.Float64()
			return rounded, true
		}
		return json.Number(v.FloatString(int(behind))), true
	case float64:
		if math.IsInf(v, 0) {
			return nil, false
		}
		bits := 64
		if k.arrow == float32Kind.arrow {
			bits = 32
		}
		return json.Number(strconv.FormatFloat(v, 'g', -1, bits)), true
	case day:
		return v.time().Format(time.DateOnly), isCommon(v.time())
	case moment:
		at, layout := v.time().Truncate(time.Millisecond), "2006-01-02T15:04:05.000" // which rounds down
		if k.class == instants {
			layout += "Z"
		}
		return at.Format(layout), isCommon(at)
	}
	return nil, false
}

// isCommon says whether a time has four digits for its year.
func isCommon(at time.Time) bool { return at.Year() >= 1 && at.Year() <= 9999 }
