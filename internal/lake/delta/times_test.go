package delta_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/delta"
)

// atMinute is a time of the tests.
func atMinute(minute int) time.Time { return time.Date(2024, 5, 6, 7, minute, 0, 0, time.UTC) }

// touch gives the files of a log their times, in minutes.
func touch(t *testing.T, folder string, minutes map[int]int) {
	t.Helper()
	for version, minute := range minutes {
		require.NoError(t, os.Chtimes(filepath.Join(folder, "_delta_log", commit(version)), atMinute(minute), atMinute(minute)))
	}
}

func datedCommit(minute int) string {
	return fmt.Sprintf(`{"commitInfo":{"inCommitTimestamp":%d,"operation":"WRITE"}}`, atMinute(minute).UnixMilli())
}

func TestTimesOfFiles(t *testing.T) {
	t.Parallel()
	log := map[string]string{commit(0): first}
	for version := 1; version < 6; version++ {
		log[commit(version)] = addOf(fmt.Sprint(version))
	}
	folder := tableOf(t, log)
	touch(t, folder, map[int]int{0: 10, 1: 20, 2: 15, 3: 20, 4: 30, 5: 40}) // 2 and 3 are not later than what is before them
	cases := map[time.Duration]string{
		10 * time.Minute: "0", 19 * time.Minute: "0", 20 * time.Minute: "1", 20*time.Minute + time.Millisecond: "2",
		20*time.Minute + 2*time.Millisecond: "3", 30 * time.Minute: "4", 39*time.Minute + 59*time.Second: "4", 40 * time.Minute: "5", 100 * time.Hour: "5",
	}
	for after, want := range cases {
		snapshot, _, err := openAt(t, folder, delta.At(atMinute(0).Add(after)))
		require.NoError(t, err)
		assert.Equal(t, want, snapshot.Version, "%s", after)
		assert.False(t, snapshot.Time.After(atMinute(0).Add(after)))
	}
	_, _, err := openAt(t, folder, delta.At(atMinute(9)))
	failed := failureOf(t, err)
	assert.Contains(t, failed.Message, "no version from 2024-05-06T07:09:00Z or before")
	assert.Equal(t, "versions that can be read: 0 to 5", failed.Hint)
	assert.True(t, failed.Early)
}

func TestTimesInCommits(t *testing.T) {
	t.Parallel()
	on := `"delta.enableInCommitTimestamps":"true"`
	since := fmt.Sprintf(`,"delta.inCommitTimestampEnablementVersion":"2","delta.inCommitTimestampEnablementTimestamp":"%d"`, atMinute(30).UnixMilli())
	cases := map[string]struct {
		log  map[string]string
		want map[int]string // by minute
	}{
		"from the beginning": {
			map[string]string{
				commit(0): lines(datedCommit(10), plain, metadataOf(oneColumn, "", on)), commit(1): lines(datedCommit(20), addOf("a")),
				commit(2): lines(addOf("b"), datedCommit(30)),
			},
			map[int]string{10: "0", 19: "0", 20: "1", 29: "1", 30: "2", 59: "2", 9: ""},
		},
		"later": {
			map[string]string{
				commit(0): first, commit(1): addOf("a"), commit(2): lines(datedCommit(30), metadataOf(oneColumn, "", on+since)), commit(3): lines(datedCommit(40), addOf("b")),
			},
			map[int]string{4: "", 5: "0", 24: "0", 25: "1", 29: "1", 30: "2", 39: "2", 40: "3", 50: "3"},
		},
		"no more": {
			map[string]string{
				commit(0): lines(datedCommit(50), plain, metadataOf(oneColumn, "", on)), commit(1): lines(datedCommit(51), metadataOf(oneColumn, "", "")), commit(2): addOf("a"),
			},
			map[int]string{4: "", 5: "0", 25: "1", 27: "2"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := tableOf(t, c.log)
			minutes := map[int]int{0: 5, 1: 25, 2: 27, 3: 28}
			for version := range minutes {
				if c.log[commit(version)] == "" {
					delete(minutes, version)
				}
			}
			touch(t, folder, minutes)
			for minute, want := range c.want {
				snapshot, _, err := openAt(t, folder, delta.At(atMinute(minute)))
				if want == "" {
					assert.Contains(t, failureOf(t, err).Message, "no version from", "%d", minute)
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, want, snapshot.Version, "%d", minute)
			}
		})
	}
}

func TestTheTimeOfAVersion(t *testing.T) {
	t.Parallel()
	since := fmt.Sprintf(`"delta.enableInCommitTimestamps":"true","delta.inCommitTimestampEnablementVersion":"1","delta.inCommitTimestampEnablementTimestamp":"%d"`,
		atMinute(30).UnixMilli())
	folder := tableOf(t, map[string]string{commit(0): first, commit(1): lines(datedCommit(30), metadataOf(oneColumn, "", since))})
	touch(t, folder, map[int]int{0: 5, 1: 6})
	for version, want := range map[int64]time.Time{0: atMinute(5), 1: atMinute(30)} {
		snapshot, _, err := openAt(t, folder, delta.Number(version))
		require.NoError(t, err)
		assert.Equal(t, want, snapshot.Time)
	}
}
