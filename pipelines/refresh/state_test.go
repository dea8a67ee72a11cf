package refresh_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/rejects"
)

func places(t *testing.T) map[string]string {
	bucket, _ := storagetest.FakeGCS(t)
	return map[string]string{"local": filepath.Join(t.TempDir(), "x.hyperlake"), "remote": storage.Join(bucket, "x.hyperlake")}
}

func open(t *testing.T, folder string) *refresh.State {
	t.Helper()
	state, err := refresh.Open(t.Context(), folder)
	require.NoError(t, err)
	return state
}

func success(run string) *refresh.Success {
	day := "2026-01-01"
	counts := batch.Counts{Read: 5, Rejected: 1, Failed: []int64{1, 0}}
	return &refresh.Success{
		RunID: run, Name: "sales", Finished: time.Unix(5, 0).UTC(), Format: 2, Built: refresh.Built{Date: time.Unix(1, 0).UTC(), Bytes: 7, Rows: 4},
		Output: "x.hyper", Extracts: []refresh.Extract{extract("", run+".hyper", run)},
		Tables: []refresh.TableState{{
			Schema: "Extract", Name: "Extract", Fingerprint: "f", Counts: counts,
			Units:   []refresh.UnitState{{Key: "dt=DATE '2026-01-01'", Version: "v", Values: []*string{&day, nil}, Counts: &counts}, {Key: "file"}},
			Samples: []rejects.Sample{{Rule: 1, Unit: "u", File: "f", Row: 3}}, Rejects: []rejects.File{{URI: "r", Rows: 1}},
		}},
	}
}

func extract(value, path, sum string) refresh.Extract {
	return refresh.Extract{Extract: report.Extract{Value: value, Path: path, Rows: 4, Bytes: 7, SHA256: sum}}
}

// standing finds the success of one extract, by its path.
func standing(t *testing.T, state *refresh.State, path string) *refresh.Success {
	t.Helper()
	found, err := state.Last(func(e refresh.Extract) (bool, error) { return e.Path == path, nil })
	require.NoError(t, err)
	return found
}

// Before and after an extract is moved into place, whichever stands there is known.
func TestStateKnowsWhatMayStandThere(t *testing.T) {
	for name, folder := range places(t) {
		t.Run(name, func(t *testing.T) {
			state := open(t, folder)
			assert.False(t, state.HasAny())
			require.NoError(t, state.Begin(t.Context(), success("one"), nil))
			assert.Nil(t, standing(t, open(t, folder), "other.hyper"))
			one := standing(t, open(t, folder), "one.hyper")
			want := success("one")
			want.Version = one.Version
			assert.Equal(t, want, one)
			require.NoError(t, state.Commit(t.Context(), "one", []string{"7"}))

			state = open(t, folder)
			one = standing(t, state, "one.hyper")
			assert.Equal(t, "7", one.Extracts[0].Version)
			require.NoError(t, state.Begin(t.Context(), success("two"), one))
			for _, run := range []string{"one", "two"} {
				assert.NotNil(t, standing(t, open(t, folder), run+".hyper"), run)
			}
			state = open(t, folder) // of a later run, where the second had moved its extract, and was killed then
			require.NoError(t, state.Begin(t.Context(), success("three"), standing(t, state, "two.hyper")))
			assert.Nil(t, standing(t, open(t, folder), "one.hyper"))
			assert.NotNil(t, standing(t, open(t, folder), "two.hyper"))
			require.NoError(t, state.Commit(t.Context(), "three", nil))
			assert.NotNil(t, standing(t, open(t, folder), "three.hyper"))
			assert.Nil(t, standing(t, open(t, folder), "two.hyper"))
			store, err := storage.For(folder)
			require.NoError(t, err)
			files, err := store.List(t.Context(), storage.Join(folder, "successes"))
			require.NoError(t, err)
			assert.Len(t, files, 1, "the others are forgotten")
			require.NoError(t, state.Commit(t.Context(), "three", nil), "once more")
		})
	}
}

// Several extracts are moved one after another: where a run was killed in between, or somebody else wrote, it is known which
// of them stand.
func TestStateKnowsWhichOfSeveralExtractsStand(t *testing.T) {
	for name, folder := range places(t) {
		t.Run(name, func(t *testing.T) {
			several := func(run string, sums ...string) *refresh.Success {
				made := success(run)
				made.Extracts = nil
				for i, sum := range sums {
					made.Extracts = append(made.Extracts, extract(fmt.Sprint(i), fmt.Sprintf("x-%d.hyper", i), sum))
				}
				return made
			}
			last := func(there ...string) (run string, gone []string) {
				t.Helper()
				found, err := open(t, folder).Last(func(e refresh.Extract) (bool, error) { return slices.Contains(there, e.SHA256), nil })
				require.NoError(t, err)
				if found == nil {
					return "", nil
				}
				for _, extract := range found.Extracts {
					if extract.IsGone {
						gone = append(gone, extract.Value)
					}
				}
				return found.RunID, gone
			}
			expect := func(run string, gone []string, there ...string) {
				t.Helper()
				gotRun, gotGone := last(there...)
				assert.Equal(t, []any{run, gone}, []any{gotRun, gotGone}, there)
			}
			state := open(t, folder)
			require.NoError(t, state.Begin(t.Context(), several("one", "a1", "b1", "c1"), nil))
			require.NoError(t, state.Commit(t.Context(), "one", []string{"4", "", "6"}))
			state = open(t, folder)
			one, err := state.Last(func(refresh.Extract) (bool, error) { return true, nil })
			require.NoError(t, err)
			assert.Equal(t, []string{"4", "", "6"}, one.Versions())
			expect("one", []string{"1"}, "a1", "c1")
			expect("", nil, "x")

			_, err = open(t, folder).Last(func(refresh.Extract) (bool, error) { return false, os.ErrPermission })
			require.ErrorIs(t, err, os.ErrPermission)

			require.NoError(t, state.Begin(t.Context(), several("two", "a1", "b2", "c2"), one))
			expect("one", nil, "a1", "b1", "c1")
			expect("two", []string{"2"}, "a1", "b2", "c1")
			expect("two", nil, "a1", "b2", "c2")
			state = open(t, folder)
			two, err := state.Last(func(e refresh.Extract) (bool, error) { return e.SHA256 == "b2", nil })
			require.NoError(t, err)
			require.NoError(t, state.Begin(t.Context(), several("three"), two))
			expect("three", nil, "x")
		})
	}
}

// Whoever lost the lock to another run does not write over what that remembers.
func TestStateOfTwoRuns(t *testing.T) {
	for name, folder := range places(t) {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, open(t, folder).Begin(t.Context(), success("one"), nil))
			stopped, other := open(t, folder), open(t, folder)
			require.NoError(t, other.Begin(t.Context(), success("two"), nil))
			err := stopped.Begin(t.Context(), success("three"), nil)
			require.ErrorContains(t, err, "another run wrote the state")
			assert.Equal(t, failure.Storage, failure.Of(err, failure.Engine).Kind)
			require.ErrorContains(t, stopped.Commit(t.Context(), "three", nil), "another run wrote the state")
			assert.NotNil(t, standing(t, open(t, folder), "two.hyper"))
		})
	}
}

func TestUnreadableState(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(folder string) error{
		"no JSON": func(folder string) error { return os.WriteFile(filepath.Join(folder, "last.json"), []byte("{"), 0o600) },
		"another version": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "last.json"), []byte(`{"version": 9, "last": "one"}`), 0o600)
		},
		"no run": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "last.json"), []byte(`{"version": 2}`), 0o600)
		},
		"a missing file": func(folder string) error { return os.Remove(filepath.Join(folder, "successes", "one.json")) },
		"of another run": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "successes", "one.json"), []byte(`{"version": 2, "run_id": "two"}`), 0o600)
		},
		"an older success": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "successes", "one.json"), []byte(`{"version": 0, "run_id": "one"}`), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "state")
			require.NoError(t, open(t, folder).Begin(t.Context(), success("one"), nil))
			require.NoError(t, spoil(folder))
			state := open(t, folder)
			require.ErrorContains(t, state.Unreadable, "the state in "+folder+" cannot be read: ")
			assert.Nil(t, standing(t, state, "one.hyper"))
			require.NoError(t, state.Begin(t.Context(), success("two"), nil), "it is made anew")
			require.NoError(t, state.Commit(t.Context(), "two", nil))
			assert.NotNil(t, standing(t, open(t, folder), "two.hyper"))
		})
	}
}

func TestStateThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	state, err := refresh.Open(t.Context(), filepath.Join(file, "state"))
	require.NoError(t, err)
	err = state.Begin(t.Context(), success("one"), nil)
	require.ErrorContains(t, err, "write the state in "+file)
	assert.Contains(t, failure.Of(err, failure.Engine).Hint, "set state to another one")
}
