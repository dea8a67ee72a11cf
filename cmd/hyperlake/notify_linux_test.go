package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
)

// Who is interrupted is told of, but by a person at a terminal. What hangs then keeps nobody longer than after any signal.
func TestSignalsAreTold(t *testing.T) {
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the other end has gone
		<-r.Context().Done()
	}))
	t.Cleanup(hung.Close)
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	cases := []struct {
		name       string
		signal     syscall.Signal
		onTerminal bool
		code       int
		told       []string
	}{
		{"SIGTERM", syscall.SIGTERM, false, 143, []string{"switch:end/fail", "switch:start", "usual:failure,143"}},
		{"SIGTERM at a terminal", syscall.SIGTERM, true, 143, []string{"switch:end/fail", "switch:start", "usual:failure,143"}},
		{"SIGINT of a program", syscall.SIGINT, false, 130, []string{"switch:end/fail", "switch:start", "usual:failure,130"}},
		{"SIGINT of a person", syscall.SIGINT, true, 130, []string{"switch:end/fail", "switch:start"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder, heard := t.TempDir(), newAudience()
			t.Cleanup(heard.Close)
			taken, err := lock.Try(t.Context(), filepath.Join(folder, ".x.hyper.lock"), "20261130T020000Z-0badcafe", storage.UsualLease)
			require.NoError(t, err)
			t.Cleanup(func() { _ = taken.Release(t.Context()) })
			config := "name: x\ntables: [{source: {uri: '" + lake + "'}}]\n" +
				"notify: [{url_env: HUNG}, {url_env: HOOK_USUAL}, {ping_env: HOOK_SWITCH}, {command: [sh, -c, \"trap '' TERM; sleep 600; sleep 600\"]}]\n"
			require.NoError(t, os.WriteFile(filepath.Join(folder, "x.yaml"), []byte(config), 0o600))
			cmd := program(t, folder, append(heard.environment(), "HUNG="+hung.URL+"/"+hookSecret), "generate", "x.yaml", "--lock-wait", "10m")
			said, err := os.Create(filepath.Join(folder, "said"))
			require.NoError(t, err)
			t.Cleanup(func() { _ = said.Close() })
			cmd.Stderr = said
			if c.onTerminal {
				master, terminal := openTerminal(t)
				t.Cleanup(func() { _, _ = master.Close(), terminal.Close() })
				cmd.Stdin = terminal
			}
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			text := func() string { return string(must(os.ReadFile(said.Name()))) }
			require.Eventually(t, func() bool { return strings.Contains(text(), "waiting for the lock") && heard.count() == 1 }, time.Minute, 5*time.Millisecond)
			signalled := time.Now()
			require.NoError(t, cmd.Process.Signal(c.signal))
			require.Error(t, cmd.Wait())
			assert.Less(t, time.Since(signalled), time.Minute)
			assert.Equal(t, c.code, cmd.ProcessState.ExitCode(), text())
			told, _ := heard.take()
			assert.Equal(t, c.told, told)
			lines := strings.Split(strings.TrimSpace(text()), "\n")
			assert.Contains(t, lines[len(lines)-1], "hyperlake: interrupted by ")
			assert.NotContains(t, text(), hookSecret)
		})
	}
}
