//go:build faults

package pipelines_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// mountingVariable is set in the process that may mount small disks, which only it sees.
const mountingVariable = "HYPERLAKE_TEST_MOUNTING"

// withMounts runs the test that calls it in a process with mounts of its own, and reports
// whether this is that process.
func withMounts(t *testing.T) (inside bool) {
	t.Helper()
	if os.Getenv(mountingVariable) != "" {
		require.NoError(t, syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
		return true
	}
	alone := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	alone.Env = append(os.Environ(), mountingVariable+"=1")
	alone.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		alone.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		alone.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		alone.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	output, err := alone.CombinedOutput()
	require.NoError(t, err, "small disks need root, or user namespaces: %s", output)
	require.Contains(t, string(output), "--- PASS: "+t.Name()+"/")
	return false
}

// smallDisk is an empty folder on a disk of its own, of some KiB.
func smallDisk(t *testing.T, kib int) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "d")
	require.NoError(t, err)
	require.NoError(t, syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%dk", kib)))
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(folder, syscall.MNT_DETACH)) })
	return folder
}

// A disk is full, whichever it is: the run ends soon and is not tried again, and says where
// there is no room, how much there is, and how much it takes.
func TestADiskIsFull(t *testing.T) {
	if !withMounts(t) {
		return
	}
	const allRejected = "    rules: [{column: l_orderkey, max: 0}]\n    rejects: {path: %s}\n"
	cases := map[string]struct {
		kib    int
		config string // %[1]s is the disk
		says   string
	}{
		"for partials":             {1500, "staging: %[1]s\n", "hyperd"},
		"for partials, rows in Go": {1500, "staging: %[1]s\n" + goOnly, "hyperd"},
		"for the first partial":    {4, "staging: %[1]s\n", "could not be created"},
		"for several partials":     {1500, "staging: %[1]s\nrunner: {parallelism: 3}\n", "hyperd"},
		"for the merge":            {7000, "staging: %[1]s\nrunner: {parallelism: 3}\n", "may need"},
		"for spills":               {1500, moved + "staging: %[1]s\n", "write spill"},
		"for the output":           {1500, "output: {path: %[1]s/x.hyper}\n", "move the extract"},
		"for rejects":              {500, fmt.Sprintf(allRejected, "%[1]s/rejects") + "on_empty: allow\n", "publish rejects"},
		"for rejects on staging":   {500, fmt.Sprintf(allRejected, "rejects") + "staging: %[1]s\non_empty: allow\n", "write rejects"},
		"for segments":             {500, goOnly + "spool: {path: %[1]s}\n", "write to the spool"},
		"for copies in the spool":  {500, "spool: {path: %[1]s}\n", "write to the spool"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			hyperd.Shutdown()
			t.Cleanup(hyperd.Shutdown)
			folder, disk := t.TempDir(), smallDisk(t, c.kib)
			lake := "%LAKE%"
			if strings.Contains(name, "copies") {
				bucket, _ := storagetest.FakeGCS(t)
				runtest.UploadLake(t, bucket)
				lake = storage.Join(bucket, "lake")
			}
			if strings.Contains(name, "output") {
				c.config += fmt.Sprintf("staging: %s\n", t.TempDir())
			} else {
				require.NoError(t, os.WriteFile(filepath.Join(folder, "x.hyper"), []byte(runtest.Previous), 0o600))
			}
			config := fmt.Sprintf("name: x\ntables:\n  - name: lineitem\n    source: {uri: %q}\n", lake+"/lineitem/*.parquet")
			cfg := runtest.Configure(t, folder, config+fmt.Sprintf(c.config, disk))
			jobs := 0
			began := time.Now()
			record, err := runtest.Run(t, t.Context(), cfg, func() { jobs++ })
			assert.Less(t, time.Since(began), time.Minute)
			require.ErrorContains(t, err, c.says)
			failed := failure.Of(err, "none")
			assert.Equal(t, failure.Storage, failed.Kind, err)
			assert.True(t, failed.Full)
			assert.LessOrEqual(t, jobs, 1)
			assert.Contains(t, failed.Message+failed.Hint, disk)
			assert.Regexp(t, "only .* free|which has .* free|more than .* on staging", failed.Message+failed.Hint)
			assert.Contains(t, failed.Hint, "may take")
			assert.Equal(t, report.Failed, record.Status)
			assert.Equal(t, failed.Hint, record.Error.Hint)
			if kept, err := os.ReadFile(filepath.Join(folder, "x.hyper")); !strings.Contains(name, "output") {
				require.NoError(t, err)
				assert.Equal(t, runtest.Previous, string(kept))
			} else {
				assert.NoFileExists(t, cfg.Output.Path)
			}
		})
	}
}

// The disk of the lake is full in the middle of a part: that is said, with how much room there is, the folder has the rows of before, and
// nothing else is left.
func TestADiskIsFullWhileIngesting(t *testing.T) {
	if !withMounts(t) {
		return
	}
	t.Run("of the lake", func(t *testing.T) {
		folder, disk := t.TempDir(), smallDisk(t, 500)
		drop := func(rows int) {
			var text strings.Builder
			text.WriteString("id,note\n")
			for id := range rows {
				fmt.Fprintf(&text, "%d,%x%x\n", id, rand.Uint64(), rand.Uint64())
			}
			require.NoError(t, os.WriteFile(filepath.Join(folder, "drop.csv"), []byte(text.String()), 0o600))
		}
		cfg := runtest.Configure(t, folder, fmt.Sprintf("name: x\ningest: [{to: %q, csv: {uri: drop.csv}}]\ntables: [{source: {uri: %q}}]\n",
			disk+"/ids", disk+"/ids"))
		drop(10)
		_, err := bringIn(t, cfg)
		require.NoError(t, err)
		before := filesAt(t, disk)
		drop(100_000)
		record, err := bringIn(t, cfg)
		require.ErrorIs(t, err, syscall.ENOSPC)
		failed := failure.Of(err, "none")
		assert.Equal(t, failure.Storage, failed.Kind)
		assert.Contains(t, failed.Message+failed.Hint, disk)
		assert.Equal(t, failed.Hint, record.Error.Hint)
		assert.NotEmpty(t, failed.Hint)
		t.Log(failed.Message, failed.Hint)
		assert.Equal(t, before, filesAt(t, disk))
	})
}

// hyperd keeps in the folder for temporary files what it otherwise has in memory, and calls that memory.
func TestADiskForTemporaryDataIsFull(t *testing.T) {
	if !withMounts(t) {
		return
	}
	t.Run("for temporary data", func(t *testing.T) {
		hyperd.Shutdown()
		t.Cleanup(hyperd.Shutdown)
		folder := t.TempDir()
		for i := range 12 { // of fewer rows, hyperd keeps all in memory
			require.NoError(t, os.CopyFS(filepath.Join(folder, "lake", fmt.Sprint(i)), os.DirFS(filepath.Join(runtest.SampleLake(t), "lineitem"))))
		}
		cfg := runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: 'lake/*/*.parquet'}\n"+goOnly)
		disk := smallDisk(t, 500)
		t.Setenv("TMPDIR", disk)
		jobs := 0
		_, err := runtest.Run(t, t.Context(), cfg, func() { jobs++ })
		failed := failure.Of(err, "none")
		require.Error(t, err)
		assert.True(t, failed.Full, err)
		assert.Contains(t, failed.Hint, disk)
		assert.LessOrEqual(t, jobs, 1)
	})
}
