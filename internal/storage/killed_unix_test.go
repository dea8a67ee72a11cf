//go:build unix

package storage_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/guard"
	"hyperlake/internal/storage"
)

// killedVariable makes the test binary play a process that is killed while it writes a file
// in the folder that it names.
const killedVariable = "STORAGE_TEST_FOLDER"

func TestMain(m *testing.M) {
	guard.Main()
	if folder := os.Getenv(killedVariable); folder != "" {
		writeForEver(folder)
	}
	os.Exit(m.Run())
}

// writeForEver finishes one file, and begins another.
func writeForEver(folder string) {
	ctx := context.Background()
	for _, name := range []string{"finished", "begun"} {
		writer, err := storage.Local{}.Create(ctx, filepath.Join(folder, name), storage.Any())
		if err != nil {
			os.Exit(1)
		}
		_, _ = writer.Write([]byte("some"))
		if name == "finished" {
			_, _ = writer.Commit()
		}
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

func TestAKilledProcessLeavesNoTemporaryFile(t *testing.T) {
	folder := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedVariable+"="+folder)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	left := func() []string {
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}
	require.Len(t, left(), 2)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	assert.Eventually(t, func() bool { return len(left()) == 1 }, time.Minute, 10*time.Millisecond)
	assert.Equal(t, []string{"finished"}, left())
}
