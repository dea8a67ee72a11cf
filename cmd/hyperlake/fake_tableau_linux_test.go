package main

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFakeTableauServesUntilInterrupted(t *testing.T) {
	cmd := program(t, t.TempDir(), nil, "dev", "fake-tableau", "--fault", "GET /serverinfo status=503 times=1")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan())
	url, found := strings.CutPrefix(lines.Text(), "export tab_site_url=")
	require.True(t, found, lines.Text())
	for _, variable := range []string{"tab_site_id=marketing", "tab_pat_name=", "tab_secret_id="} {
		require.True(t, lines.Scan())
		assert.Contains(t, lines.Text(), "export "+variable)
	}
	client := http.Client{Timeout: 10 * time.Second}
	var statuses []int
	for range 2 {
		reply, err := client.Get(url + "/api/2.4/serverinfo")
		require.NoError(t, err)
		require.NoError(t, reply.Body.Close())
		statuses = append(statuses, reply.StatusCode)
	}
	assert.Equal(t, []int{503, 200}, statuses)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait(), stderr.String())
	assert.Contains(t, stderr.String(), "a fake Tableau Server listens")
}
