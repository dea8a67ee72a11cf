//go:build faults || stores

package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// idsText is a file of CSV.
func idsText(from, rows int64) []byte {
	var text strings.Builder
	text.WriteString("id,text\n")
	for _, id := range sequence(from, rows) {
		fmt.Fprintf(&text, "%d,row %d\n", id, id)
	}
	return []byte(text.String())
}

// Whatever storage does for a while, of the source and of the folder, the folder has all rows once, and nothing else.
func TestStorageThatFailsForAWhile(t *testing.T) {
	faults := map[string]storagetest.Fault{
		"reading is cut":       {On: storagetest.Read, Name: "drop/", Cut: true, After: 10, Times: 2},
		"reading is slow":      {On: storagetest.Read, Name: "drop/", Pause: 1, Times: 2},
		"reading fails":        {On: storagetest.Read, Status: 503, Times: 2},
		"listing fails":        {On: storagetest.List, Status: 503, Times: 2},
		"looking fails":        {On: storagetest.Stat, Status: 503, Times: 2},
		"removing fails":       {On: storagetest.Delete, Status: 503, Times: 1},
		"completing fails":     {On: storagetest.Complete, Status: 503, Times: 1},
		"a removal is unheard": {On: storagetest.Delete, Name: "ingest-", Lose: true, Times: 1},
	}
	for i, name := range []string{"ingest-", "_schema.json", "_ingest.json"} {
		faults["writing fails: "+name] = storagetest.Fault{On: storagetest.Write, Name: name, Status: 503, Times: 1 + i}
		faults["an answer is lost: "+name] = storagetest.Fault{On: storagetest.Write, Name: name, Lose: true, Times: 1}
		faults["writing is cut: "+name] = storagetest.Fault{On: storagetest.Write, Name: name, Cut: true, After: 5, Times: 1}
	}
	onEachStore(t, func(t *testing.T, bucket string, store *storagetest.Faults) {
		for name, fault := range faults {
			t.Run(name, func(t *testing.T) {
				folder := storage.Join(bucket, strings.ReplaceAll(name, ":", ""), "numbers")
				for i, run := range []string{"first", "second"} {
					rows := int64(100 * (i + 1))
					require.NoError(t, storage.Put(t.Context(), bucket+"/drop/ids.csv", idsText(rows, rows)))
					store.Inject(fault)
					_, err := ingest.Run(t.Context(), entryOf(folder, run), ingest.NewCSV(csvOf(bucket+"/drop/*.csv")), ingest.Surroundings{})
					store.Heal()
					require.NoError(t, err)
					assert.Equal(t, sequence(rows, rows), rowsIn(t, folder))
					assert.Equal(t, []string{"_ingest.json", "_schema.json", "ingest-00000-" + run + ".parquet"}, namesIn(t, folder))
				}
			})
		}
	})
}

// A file that is written over while it is read fails the run, and so does storage that refuses: the folder has the rows of before, and the
// next run leaves nothing of it.
func TestStorageThatRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		fault storagetest.Fault
		kind  failure.Kind
		says  string
	}{
		"the source is written over": {storagetest.Fault{On: storagetest.Read, Name: "drop/", Times: 1}, failure.Source, storage.ErrChanged.Error()},
		"no reading":                 {storagetest.Fault{On: storagetest.Read, Name: "drop/", Status: 403}, failure.Source, "drop/ids.csv"},
		"no writing of parts":        {storagetest.Fault{On: storagetest.Write, Name: "ingest-", Status: 403}, failure.Storage, "ingest-00000-second.parquet"},
		"no writing of what is said": {storagetest.Fault{On: storagetest.Write, Name: "_ingest.json", Status: 403}, failure.Storage, "put the rows into the folder"},
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, bucket string, store *storagetest.Faults) {
				folder, source := bucket+"/lake/numbers", bucket+"/drop/ids.csv"
				require.NoError(t, storage.Put(t.Context(), source, idsText(0, 7)))
				_, err := ingest.Run(t.Context(), entryOf(folder, "first"), ingest.NewCSV(csvOf(source)), ingest.Surroundings{})
				require.NoError(t, err)
				fault := c.fault
				if fault.Status == 0 {
					fault.Before = func() { assert.NoError(t, storage.Put(t.Context(), source, idsText(50, 7))) }
				}
				store.Inject(fault)
				_, err = ingest.Run(t.Context(), entryOf(folder, "second"), ingest.NewCSV(csvOf(source)), ingest.Surroundings{})
				store.Heal()
				_ = requireKind(t, err, c.kind)
				require.ErrorContains(t, err, c.says)
				assert.Equal(t, sequence(0, 7), rowsIn(t, folder))
				_, err = ingest.Run(t.Context(), entryOf(folder, "third"), ingest.NewCSV(csvOf(source)), ingest.Surroundings{})
				require.NoError(t, err)
				assert.Equal(t, []string{"_ingest.json", "_schema.json", "ingest-00000-third.parquet"}, namesIn(t, folder))
			})
		})
	}
}
