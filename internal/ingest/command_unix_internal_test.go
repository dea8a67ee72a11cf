//go:build unix

package ingest

import (
	"bytes"
	"cmp"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

// ran runs a script of the shell to its end, and returns what it wrote.
func ran(t *testing.T, options CommandOptions, script string) (string, error) {
	t.Helper()
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	options.Run = append([]string{"/bin/sh", "-c", script}, options.Run...)
	p, err := startProgram(t.Context(), &options)
	require.NoError(t, err)
	text, err := io.ReadAll(p.stdout)
	require.NoError(t, err)
	return string(text), p.Wait()
}

func TestProgramsAndTheirEnvironment(t *testing.T) {
	t.Setenv("TOKEN_OF_TEST", "s3cret")
	t.Setenv("OTHER_OF_TEST", "hidden")
	folder := t.TempDir()
	out, err := ran(t, CommandOptions{Folder: folder, Environment: []string{"TOKEN_OF_TEST", "NOT_SET"}, Run: []string{"zero", "a b"}},
		`pwd -P; echo "$1|$TOKEN_OF_TEST|$OTHER_OF_TEST|"; cat`)
	require.NoError(t, err)
	folder, err = filepath.EvalSymlinks(folder)
	require.NoError(t, err)
	assert.Equal(t, folder+"\na b|s3cret||\n", out)

	require.NoError(t, os.WriteFile(filepath.Join(folder, "fetch"), []byte("#!/bin/sh\necho here"), 0o700))
	p, err := startProgram(t.Context(), &CommandOptions{Run: []string{"./fetch"}, Folder: folder, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	text, _ := io.ReadAll(p.stdout)
	assert.Equal(t, "here\n", string(text))
	require.NoError(t, p.Wait())

	_, err = startProgram(t.Context(), &CommandOptions{Run: []string{"./gone"}, Folder: folder})
	require.ErrorContains(t, err, "start ./gone")
	assert.Equal(t, failure.Config, failure.Of(err, failure.Engine).Kind)
}

func TestProgramsThatFail(t *testing.T) {
	out, err := ran(t, CommandOptions{}, "echo 1; exit 3")
	require.ErrorContains(t, err, "/bin/sh failed: exit status 3")
	assert.Equal(t, failure.Source, failure.Of(err, failure.Engine).Kind)
	assert.Equal(t, "1\n", out)
	_, err = ran(t, CommandOptions{}, "kill -9 $$")
	require.ErrorContains(t, err, "signal: killed")
}

// pidIn reads the id of a process that a script has written.
func pidIn(t *testing.T, path string) (pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(path)
		var err error
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	return pid
}

func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		if stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && strings.Contains(string(stat), ") Z ") {
			return true // nobody has waited for it yet
		}
		return syscall.Kill(pid, 0) == syscall.ESRCH
	}, time.Minute, 10*time.Millisecond, "it still runs")
}

// A program that runs for too long, and one that is not wanted any more, ends with what it has started.
func TestProgramsEndWithWhatTheyStarted(t *testing.T) {
	for name, end := range map[string]func(*program) error{
		"after the timeout": func(p *program) error {
			_, _ = io.ReadAll(p.stdout)
			return p.Wait()
		},
		"when killed": func(p *program) error { p.Kill(); return p.Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pid")
			options := CommandOptions{Log: slog.New(slog.DiscardHandler), Run: []string{"/bin/sh", "-c", "sleep 600 & echo $! > " + path + "; wait"}}
			if strings.Contains(name, "timeout") {
				options.Timeout = 3 * time.Second
			}
			p, err := startProgram(t.Context(), &options)
			require.NoError(t, err)
			child := pidIn(t, path)
			err = end(p)
			require.Error(t, err)
			if options.Timeout > 0 {
				require.ErrorContains(t, err, "it had not ended after 3s, and was killed")
			}
			requireGone(t, child)
		})
	}
}

func TestWhatProgramsSayIsLogged(t *testing.T) {
	var log bytes.Buffer
	_, err := ran(t, CommandOptions{Log: slog.New(slog.NewTextHandler(&log, nil))}, `printf 'half\nbad \033[31m\n\n' >&2; i=0; while [ $i -lt 1500 ]; do echo line >&2; i=$((i+1)); done; head -c 9000 /dev/zero | tr '\0' x >&2`)
	require.NoError(t, err)
	assert.Contains(t, log.String(), "line=half")
	assert.NotContains(t, log.String(), "\x1b")
	assert.Contains(t, log.String(), "and more")
	assert.Equal(t, mostLines+1, strings.Count(log.String(), "\n"))
}

// stream is an Arrow stream of some batches of numbers.
func stream(t *testing.T, end bool, batches ...[]int64) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	var out bytes.Buffer
	writer := ipc.NewWriter(&out, ipc.WithSchema(schema))
	for _, values := range batches {
		builder := array.NewInt64Builder(memory.DefaultAllocator)
		builder.AppendValues(values, nil)
		require.NoError(t, writer.Write(array.NewRecord(schema, []arrow.Array{builder.NewArray()}, int64(len(values)))))
	}
	if end {
		require.NoError(t, writer.Close())
	}
	return out.Bytes()
}

func TestArrowStreams(t *testing.T) {
	whole := stream(t, true, []int64{1, 2}, []int64{3})
	read := func(text []byte) (values []int64, err error) {
		s, err := openArrow(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		err = s.each(t.Context(), func(rows arrow.Record) error {
			values = append(values, rows.Column(0).(*array.Int64).Int64Values()...)
			return nil
		})
		assert.Equal(t, int64(len(values)), s.rows)
		return values, err
	}
	values, err := read(whole)
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 2, 3}, values)
	_, err = read(stream(t, false, []int64{1, 2}, []int64{3}))
	require.ErrorContains(t, err, "has no end")
	_, err = read(append(bytes.Clone(whole), 'x'))
	require.ErrorContains(t, err, "has no end")
	for cut := range whole {
		_, err := read(whole[:cut])
		require.Error(t, err, cut)
	}
	for _, text := range []string{"", "Fetching …\n", "\xff\xff\xff\xff\xff\xff\xff\x7f", "ARROW1\x00\x00 and more"} {
		_, err := read([]byte(text))
		require.ErrorContains(t, err, "no Arrow stream", text)
	}
}
