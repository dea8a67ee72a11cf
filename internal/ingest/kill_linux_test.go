package ingest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/ingest"
)

// killedVariable has the test binary be a run that is killed: FOLDER, STEP and whether folders can be exchanged, by spaces.
const killedVariable = "HYPERLAKE_TEST_KILLED_INGEST"

func TestMain(m *testing.M) {
	if asked := strings.Fields(os.Getenv(killedVariable)); len(asked) == 3 {
		runAndDie(asked[0], asked[1], asked[2])
	}
	os.Exit(m.Run())
}

// runAndDie kills this process at a step of a run, or ends it when the run has ended.
func runAndDie(folder, at, exchange string) {
	steps, _ := strconv.Atoi(at)
	step := func() {
		if steps--; steps == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if exchange == "false" {
		ingest.NeverExchange()
	}
	source := &numbers{from: 100, rows: 30, batch: 10, rejects: 1}
	_, err := ingest.Run(context.Background(), entryOf(folder, "killed"+at), source, ingest.Surroundings{
		Held:         func() error { step(); return nil },
		Progress:     func(int64) { step() },
		PlaceRejects: func(context.Context, []ingest.RejectFile) error { step(); return nil },
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A run that is killed at any step leaves the rows of before or the new ones, and the next one removes what else it left.
func TestKilledRuns(t *testing.T) {
	type kind struct {
		name     string
		exchange bool
		first    bool // nothing stands there before
		steps    int  // at the least
	}
	kinds := []kind{{"local", true, false, 6}, {"local, first", true, true, 6}, {"local without exchange", false, false, 8}}
	for scheme := range stores {
		kinds = append(kinds, kind{scheme, true, false, 7}, kind{scheme + ", first", true, true, 8})
	}
	for _, c := range kinds {
		t.Run(c.name, func(t *testing.T) {
			if !c.exchange {
				ingest.WithoutExchange(t)
			}
			died, replaced := 0, 0
			for step := 1; ; step++ {
				folder := filepath.Join(t.TempDir(), "lake", "numbers")
				if start := stores[strings.TrimSuffix(c.name, ", first")]; start != nil {
					bucket, _ := start(t)
					folder = bucket + "/lake/numbers"
				}
				var before []int64
				if !c.first {
					before = sequence(0, 7)
					_, err := ingest.Run(t.Context(), entryOf(folder, "before"), &numbers{rows: 7}, ingest.Surroundings{})
					require.NoError(t, err)
				}
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %t", killedVariable, folder, step, c.exchange))
				out, err := cmd.CombinedOutput()
				found := rowsIn(t, folder)
				if err == nil {
					assert.Equal(t, sequence(100, 30), found)
					break
				}
				require.ErrorContains(t, err, "signal: killed", "%s", out)
				died++
				if len(found) == 30 {
					assert.Equal(t, sequence(100, 30), found, "step %d", step)
					replaced++
				} else {
					assert.Equal(t, before, found, "step %d", step)
				}
				_, err = ingest.Run(t.Context(), entryOf(folder, "after"), &numbers{from: 50, rows: 9}, ingest.Surroundings{})
				require.NoError(t, err)
				assert.Equal(t, sequence(50, 9), rowsIn(t, folder), "step %d", step)
				assert.Equal(t, []string{"_ingest.json", "_schema.json", "ingest-00000-after.parquet"}, namesIn(t, folder), "step %d", step)
				if strings.HasPrefix(c.name, "local") {
					entries, err := os.ReadDir(filepath.Dir(folder))
					require.NoError(t, err)
					assert.Len(t, entries, 1, "step %d", step)
				}
			}
			assert.GreaterOrEqual(t, died, c.steps)
			assert.Positive(t, replaced)
			assert.Less(t, replaced, died)
		})
	}
}
