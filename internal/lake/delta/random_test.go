package delta_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/delta"
)

// state is a table as the model has it: the offset of the vector of each file, 0 for none.
type state map[string]int

func (s state) names() []string {
	names := []string{}
	for path, vector := range s {
		if vector > 0 {
			path += fmt.Sprintf(" -6@%d", vector)
		}
		names = append(names, path)
	}
	slices.Sort(names)
	return names
}

func actionOf(kind, path string, vector int) string {
	switch {
	case vector > 0:
		return withVector(kind, path, vectorOf(vector))
	case kind == "add":
		return addOf(path)
	}
	return removeOf(path)
}

// change makes a commit at random, and what it does to a table.
func change(random *rand.Rand, before state, version int) (lines []string, after state) {
	after = maps.Clone(before)
	for i := range random.IntN(4) {
		path := fmt.Sprintf("file %d.%d", version, i)
		after[path] = 0
		lines = append(lines, actionOf("add", strings.ReplaceAll(path, " ", "%20"), 0))
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		encoded := strings.ReplaceAll(path, " ", "%20")
		switch random.IntN(8) {
		case 0:
			delete(after, path)
			lines = append(lines, actionOf("remove", encoded, before[path]))
		case 1: // a vector, another one, or one less
			vector := random.IntN(3)
			if after[path] = vector; vector != before[path] {
				lines = append(lines, actionOf("add", encoded, vector), actionOf("remove", encoded, before[path]))
			} else {
				lines = append(lines, actionOf("add", encoded, vector))
			}
		}
	}
	random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return append(lines, `{"commitInfo":{"operation":"WRITE"}}`), after
}

// compact reconciles commits: the last action of each file and vector is left.
func compact(commits [][]string) string {
	last := map[string]string{}
	for _, commit := range commits {
		for _, line := range commit {
			if key := strings.TrimPrefix(strings.TrimPrefix(line, `{"add"`), `{"remove"`); key != line {
				last[keyOfAction(line)] = line
			}
		}
	}
	return lines(append(slices.Sorted(maps.Values(last)), `{"txn":{"appId":"a","version":1}}`)...)
}

// keyOfAction is the path and the vector of a line.
func keyOfAction(line string) string {
	_, path, _ := strings.Cut(line, `"path":`)
	path, _, _ = strings.Cut(path, ",")
	_, offset, _ := strings.Cut(line, `"offset":`)
	offset, _, _ = strings.Cut(offset, ",")
	return path + "@" + offset
}

// checkpointRows is a checkpoint of a state.
func checkpointRows(s state) []string {
	rows := []string{protocolRow, metadataRow, `{"remove":{"path":"long ago"}}`}
	for _, path := range slices.Sorted(maps.Keys(s)) {
		vector := ""
		if s[path] > 0 {
			vector = `,"deletionVector":` + vectorOf(s[path])
		}
		rows = append(rows, fmt.Sprintf(`{"add":{"path":%q,"size":1%s}}`, strings.ReplaceAll(path, " ", "%20"), vector))
	}
	return rows
}

// TestRandomLogs holds every version of logs that are drawn at random, with checkpoints, compacted commits and a
// beginning that was cleaned up, against a model that knows nothing of files.
func TestRandomLogs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			log, states, commits := map[string]string{}, []state{}, [][]string{}
			now := state{}
			for version := range 20 {
				var lines []string
				lines, now = change(random, now, version)
				if version == 0 {
					lines = append([]string{first}, lines...)
				}
				log[commit(version)] = strings.Join(lines, "\n")
				states, commits = append(states, now), append(commits, lines)
			}
			for range 3 {
				from := 1 + random.IntN(17)
				to := from + 1 + random.IntN(19-from)
				log[fmt.Sprintf("%020d.%020d.compacted.json", from, to)] = compact(commits[from : to+1])
			}
			oldest := 20
			for range random.IntN(4) {
				version := random.IntN(20)
				oldest = min(oldest, version)
				addCheckpoint(t, random, log, version, states[version])
			}
			folder := tableOf(t, log)
			if oldest == 20 || random.IntN(2) == 0 {
				oldest = 0
			}
			for version := range oldest {
				require.NoError(t, os.Remove(filepath.Join(folder, "_delta_log", commit(version))))
			}
			for version := range 20 {
				snapshot, found, err := openAt(t, folder, delta.Number(int64(version)))
				if version < oldest {
					assert.Contains(t, failureOf(t, err).Message, "cannot be made any more")
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, states[version].names(), found, "version %d", version)
				assert.Equal(t, "WRITE", snapshot.Operation)
			}
		})
	}
}

// addCheckpoint adds a checkpoint of a form that is drawn at random.
func addCheckpoint(t *testing.T, random *rand.Rand, log map[string]string, version int, s state) {
	t.Helper()
	rows := checkpointRows(s)
	name := fmt.Sprintf("%020d.checkpoint.", version)
	switch random.IntN(3) {
	case 0:
		log[name+"parquet"] = checkpointOf(t, rows...)
	case 1:
		half := len(rows) / 2
		log[name+"0000000001.0000000002.parquet"] = checkpointOf(t, rows[:half]...)
		log[name+"0000000002.0000000002.parquet"] = checkpointOf(t, rows[half:]...)
	default:
		sidecar := fmt.Sprintf("%d.parquet", version)
		log["_sidecars/"+sidecar] = checkpointOf(t, rows[2:]...)
		log[name+"80a083e8-7026-4e79-81be-64bd76c43a11.json"] = lines(
			`{"protocol":{"minReaderVersion":3,"readerFeatures":["v2Checkpoint"]}}`, metadataOf(oneColumn, "", ""), `{"sidecar":{"path":"`+sidecar+`"}}`,
		)
	}
}
