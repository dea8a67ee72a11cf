//go:build unix

package hyperd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/guard"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
)

// ownerVariable makes the test binary play a process that runs hyperd and is then killed.
const ownerVariable = "HYPERD_TEST_OWNER"

func TestMain(m *testing.M) {
	guard.Main()
	switch {
	case os.Getenv(ownerVariable) != "":
		own()
	case os.Getenv(stagedVariable) != "":
		os.Exit(locateStaged())
	}
	hyperdtest.Main(m.Run)
}

// own starts hyperd, says its pid and its folder, and waits to be killed.
func own() {
	lease, err := hyperd.Acquire(context.Background(), hyperd.Config{})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println(lease.PID(), lease.Folder())
	time.Sleep(time.Hour)
}

func TestHyperdDiesWithItsOwner(t *testing.T) {
	scratch := shortFolder(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerVariable+"=1", "TMPDIR="+scratch)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	fields := strings.Fields(line)
	require.Len(t, fields, 2, line)
	pid, err := strconv.Atoi(fields[0])
	require.NoError(t, err)
	require.DirExists(t, fields[1])
	require.NoError(t, syscall.Kill(pid, 0), "hyperd runs")

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	requireNothingLeft(t, pid, scratch)
}

// requireNothingLeft waits for the end of a hyperd and of what is in the folder for its folder.
func requireNothingLeft(t *testing.T, pid int, scratch string) {
	require.Eventually(t, func() bool { return gone(pid) }, time.Minute, 10*time.Millisecond, "hyperd lives on")
	require.Eventually(t, func() bool {
		left, err := os.ReadDir(scratch)
		return err == nil && len(left) == 0
	}, time.Minute, 10*time.Millisecond, "its folder stays")
}

// One that has not answered yet may be writing into its folder. Its process is there some moments before the guard knows of it, in which
// a real hyperd ends by itself, since nobody takes its call: this one waits for them to pass.
func TestAHyperdThatStartsDiesWithItsOwner(t *testing.T) {
	scratch, folder := shortFolder(t), t.TempDir()
	fake, pidFile := filepath.Join(folder, "hyperd"), filepath.Join(folder, "pid")
	script := fmt.Sprintf("#!/bin/sh\nsleep 0.5\necho $$ >%[1]s.part; mv %[1]s.part %[1]s\nwhile :; do n=$((n + 1)); (: >file$n) 2>/dev/null; sleep 0.01; done\n", pidFile)
	require.NoError(t, os.WriteFile(fake, []byte(script), 0o755))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerVariable+"=1", "TMPDIR="+scratch, "HYPERD_PATH="+fake)
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { _, err := os.Stat(pidFile); return err == nil }, time.Minute, 10*time.Millisecond)
	text, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	requireNothingLeft(t, pid, scratch)
}

// gone says whether a process ended; one that nobody reaped yet counts as ended.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// shortFolder is a folder whose path leaves room for a domain socket.
func shortFolder(t *testing.T) string {
	folder, err := os.MkdirTemp("", "hl")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

func TestAcquireSharesOneProcessAmongManyGoroutines(t *testing.T) {
	var group sync.WaitGroup
	pids := make([]int, 32)
	for i := range pids {
		group.Go(func() {
			lease, err := hyperd.Acquire(t.Context(), hyperd.Config{})
			if !assert.NoError(t, err) {
				return
			}
			defer lease.Release()
			pids[i] = lease.PID()
			conn, err := lease.Connect(t.Context())
			if !assert.NoError(t, err) {
				return
			}
			defer func() { assert.NoError(t, conn.Close(t.Context())) }()
			one, err := conn.QueryValue(t.Context(), "SELECT 1")
			assert.NoError(t, err)
			assert.Equal(t, "1", one)
		})
	}
	group.Wait()
	for _, pid := range pids {
		assert.Equal(t, pids[0], pid)
	}
}

func TestTheSocketIsPrivate(t *testing.T) {
	lease := hyperdtest.Acquire(t)
	stat, err := os.Stat(lease.Folder())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), stat.Mode().Perm())
}

func TestShutdownRemovesEverything(t *testing.T) {
	lease, err := hyperd.Acquire(t.Context(), hyperd.Config{})
	require.NoError(t, err)
	pid, folder := lease.PID(), lease.Folder()
	hyperd.Shutdown()
	assert.True(t, gone(pid))
	assert.NoDirExists(t, folder)

	_, err = lease.Connect(t.Context())
	require.Error(t, err)
	lease.Release()

	again := hyperdtest.Acquire(t)
	assert.NotEqual(t, pid, again.PID())
}

func TestOtherSettingsAreRefusedWhileItIsInUse(t *testing.T) {
	lease := hyperdtest.Acquire(t)
	_, err := hyperd.Acquire(t.Context(), hyperd.Config{MemoryLimit: "1g"})
	require.ErrorContains(t, err, "other settings")

	lease.Release()
	other, err := hyperd.Acquire(t.Context(), hyperd.Config{MemoryLimit: "1g"})
	require.NoError(t, err, "nobody uses the first one any more")
	defer other.Release()
	assert.NotEqual(t, lease.PID(), other.PID())
}

func TestTCPListensOnThisMachineOnly(t *testing.T) {
	hyperd.Shutdown()
	lease, err := hyperd.Acquire(t.Context(), hyperd.Config{UseTCPPort: "auto"})
	require.NoError(t, err)
	defer lease.Release()
	conn := hyperdtest.Connect(t, lease)
	one, err := conn.QueryValue(t.Context(), "SELECT 1")
	require.NoError(t, err)
	assert.Equal(t, "1", one)
	for _, address := range listeners(t, lease.PID()) {
		assert.Contains(t, []string{"0100007F", "00000000000000000000000001000000"}, address, "127.0.0.1 or ::1")
	}
}

// Everybody on this machine can reach a port.
func TestTCPNeedsAPassword(t *testing.T) {
	hyperd.Shutdown()
	lease, err := hyperd.Acquire(t.Context(), hyperd.Config{UseTCPPort: "auto"})
	require.NoError(t, err)
	defer lease.Release()
	host, port, err := net.SplitHostPort(lease.Address())
	require.NoError(t, err)
	connect := func(password string) error {
		conn, err := pgconn.Connect(t.Context(), fmt.Sprintf("host=%s port=%s user=tableau_internal_user dbname='' sslmode=disable password='%s'", host, port, password))
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err
	}
	require.NoError(t, connect(lease.Password()))
	for _, wrong := range []string{"", "tableau_internal_user", lease.Password() + "x"} {
		require.Error(t, connect(wrong), wrong)
	}
}

// The password is nowhere where others could read it.
func TestThePasswordIsASecret(t *testing.T) {
	lease := hyperdtest.Acquire(t)
	password := lease.Password()
	require.GreaterOrEqual(t, len(password), 26, "128 bits")
	for _, name := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", lease.PID(), name))
		require.NoError(t, err)
		assert.NotContains(t, string(text), password, name)
	}
	conn := hyperdtest.Connect(t, lease)
	_, err := conn.Exec(t.Context(), "SELECT * FROM nosuch")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), password)
	_, err = hyperd.NewManager(time.Second).Acquire(t.Context(), hyperd.Config{Settings: map[string]string{"no_such_setting": "1"}})
	require.ErrorContains(t, err, "no_such_setting")
	assert.NotContains(t, err.Error(), "password")
}

// What listens where a hyperd was, and asks for the password as it is, does not learn it.
func TestAnImpostorIsNotToldThePassword(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	heard := make(chan []byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 1<<10))                  // who connects
		_, _ = conn.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3}) // as text, please
		answer, _ := io.ReadAll(conn)
		heard <- answer
	}()
	_, err = hyperd.LeaseAt(listener.Addr().String()).Connect(t.Context())
	require.ErrorContains(t, err, "password")
	assert.Empty(t, <-heard)
}

// listeners lists the addresses, in the kernel's hex, at which a process listens for TCP.
func listeners(t *testing.T, pid int) []string {
	inodes := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(t, err)
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, "socket:[") {
			inodes[strings.Trim(target, "socket:[]")] = true
		}
	}
	var found []string
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		require.NoError(t, err)
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" && inodes[f[9]] {
				address, _, _ := strings.Cut(f[1], ":")
				found = append(found, address)
			}
		}
	}
	require.NotEmpty(t, found)
	return found
}

func TestADeadHyperdIsReportedAndReplaced(t *testing.T) {
	lease := hyperdtest.Acquire(t)
	conn := hyperdtest.Connect(t, lease)
	require.NoError(t, syscall.Kill(lease.PID(), syscall.SIGKILL))

	_, err := conn.QueryValue(t.Context(), "SELECT count(*) FROM generate_series(1, 1000000000)")
	var failed *failure.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, failure.Hyperd, failed.Kind)
	assert.True(t, failed.Retry)
	assert.Contains(t, err.Error(), "signal: killed")

	again := hyperdtest.Acquire(t)
	assert.NotEqual(t, lease.PID(), again.PID())
}

func TestAStartThatFailsSaysWhatHyperdSaid(t *testing.T) {
	hyperd.Shutdown()
	_, err := hyperd.Acquire(t.Context(), hyperd.Config{Settings: map[string]string{"no_such_setting": "1"}})
	var failed *failure.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, failure.Hyperd, failed.Kind)
	assert.Contains(t, err.Error(), "did not start")
	assert.Contains(t, err.Error(), "no_such_setting")
}

func TestAProgramThatIsNoHyperdDoesNotHangUs(t *testing.T) {
	hyperd.Shutdown()
	fake := filepath.Join(t.TempDir(), "hyperd")
	require.NoError(t, os.WriteFile(fake, []byte("#!/bin/sh\necho I am no database >&2\nexit 7\n"), 0o755))
	_, err := hyperd.Acquire(t.Context(), hyperd.Config{Path: fake})
	require.ErrorContains(t, err, "exit status 7")
	require.ErrorContains(t, err, "I am no database")
	assert.False(t, failure.Of(err, failure.Engine).Retry)
}

// What kills a hyperd that starts may be gone the next time.
func TestAHyperdThatIsKilledWhileItStarts(t *testing.T) {
	hyperd.Shutdown()
	fake := filepath.Join(t.TempDir(), "hyperd")
	require.NoError(t, os.WriteFile(fake, []byte("#!/bin/sh\nkill -9 $$\n"), 0o755))
	_, err := hyperd.Acquire(t.Context(), hyperd.Config{Path: fake})
	require.ErrorContains(t, err, "signal: killed")
	assert.True(t, failure.Of(err, failure.Engine).Retry)
}

func TestCancellingAbortsTheStart(t *testing.T) {
	hyperd.Shutdown()
	fake := filepath.Join(t.TempDir(), "hyperd")
	require.NoError(t, os.WriteFile(fake, []byte("#!/bin/sh\nsleep 600\n"), 0o755))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := hyperd.Acquire(ctx, hyperd.Config{Path: fake})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestASocketFolderThatIsTooLongIsRefused(t *testing.T) {
	hyperd.Shutdown()
	deep := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	require.NoError(t, os.Mkdir(deep, 0o700))
	_, err := hyperd.Acquire(t.Context(), hyperd.Config{DomainSocketDir: deep})
	require.ErrorContains(t, err, "domain_socket_dir")
	left, err := os.ReadDir(deep)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestQueriesAnswerWithNullsAndErrors(t *testing.T) {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	var got []string
	err := conn.Query(t.Context(), "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) v(n, s) ORDER BY n", func(fields []hyperd.Field, values [][]byte) error {
		text := "NULL"
		if values[1] != nil {
			text = string(values[1])
		}
		got = append(got, fields[0].Name+string(values[0])+text)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"n1a", "n2NULL"}, got)

	_, err = conn.Exec(t.Context(), "SELECT nonsense")
	require.ErrorContains(t, err, "unknown column 'nonsense'")
	assert.False(t, failure.Of(err, failure.Engine).Retry)
	_, err = conn.QueryValue(t.Context(), "SELECT 1")
	require.NoError(t, err, "the session survives an error")
}

// Statements that run at the same time share the memory: one that got none may get some later.
func TestALackOfMemoryMayPass(t *testing.T) {
	t.Parallel()
	m := hyperd.NewManager(time.Minute)
	t.Cleanup(m.Shutdown)
	lease, err := m.Acquire(t.Context(), hyperd.Config{MemoryLimit: "256m"})
	require.NoError(t, err)
	conn := hyperdtest.Connect(t, lease)
	_, err = conn.QueryValue(t.Context(), "SELECT length(string_agg(repeat('x', 1000), ',')) FROM generate_series(1, 3000000)")
	require.ErrorContains(t, err, "memory")
	assert.True(t, hyperd.IsAnswer(err))
	assert.True(t, failure.Of(err, failure.Engine).Retry)
}

func TestALostConnectionMayBeMadeAgain(t *testing.T) {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.Cut())
	_, err := conn.Exec(t.Context(), "SELECT 1")
	require.ErrorContains(t, err, "the connection to hyperd was lost")
	failed := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Hyperd, failed.Kind)
	assert.True(t, failed.Retry)
}

// A hyperd that is stopped in its tracks neither sees its callback close nor SIGTERM.
func TestAHyperdThatDoesNotAnswerIsKilled(t *testing.T) {
	t.Parallel()
	m := hyperd.NewManager(time.Minute)
	lease, err := m.Acquire(t.Context(), hyperd.Config{})
	require.NoError(t, err)
	pid, folder := lease.PID(), lease.Folder()
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))

	started := time.Now()
	m.Shutdown()
	assert.Less(t, time.Since(started), time.Minute)
	assert.True(t, gone(pid))
	assert.NoDirExists(t, folder)
}

func TestIdleHyperdStops(t *testing.T) {
	acquire := func() *hyperd.Lease {
		lease, err := hyperd.NewManager(50*time.Millisecond).Acquire(t.Context(), hyperd.Config{})
		require.NoError(t, err)
		return lease
	}
	stops := func(pid int) {
		require.Eventually(t, func() bool { return gone(pid) }, time.Minute, 10*time.Millisecond)
	}
	leased, idle := acquire(), acquire()
	idle.Release()
	idle.Release()
	stops(idle.PID())
	require.False(t, gone(leased.PID()), "a leased one does not stop")
	leased.Release()
	stops(leased.PID())
}

// In hyperd's notation of addresses, some paths would be read as something else.
func TestASocketBesideAnOddFolder(t *testing.T) {
	for _, name := range []string{"domain", "a,b"} {
		short, err := os.MkdirTemp("/tmp", "hl") // short enough but for its name
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, os.RemoveAll(short)) })
		folder := filepath.Join(short, name)
		require.NoError(t, os.Mkdir(folder, 0o700))
		_, err = hyperd.NewManager(time.Minute).Acquire(t.Context(), hyperd.Config{DomainSocketDir: folder})
		require.ErrorContains(t, err, "/domain/ or a comma")

		t.Setenv("TMPDIR", folder)
		manager := hyperd.NewManager(time.Minute)
		_, err = manager.Acquire(t.Context(), hyperd.Config{})
		require.NoError(t, err)
		manager.Shutdown()
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}
