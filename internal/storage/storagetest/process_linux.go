//go:build stores || flink

package storagetest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// installed finds a program that `make stores` installs, by its path in bin.
func installed(t testing.TB, name string) string {
	root, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		above := filepath.Dir(root)
		require.NotEqual(t, root, above, "the tests do not run in the repository")
		root = above
	}
	path := filepath.Join(root, "bin", name)
	_, err = os.Stat(path)
	require.NoError(t, err, "run `make stores`")
	return path
}

// freePort is a port of loopback that nobody listens at.
func freePort(t testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// startProcess starts a server that listens at an address, and ends with the test. It returns what hands requests on to it.
func startProcess(t testing.TB, address string, cmd *exec.Cmd) http.Handler {
	log := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // whoever asks it for something is told
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		select {
		case <-ended:
			require.Fail(t, "the server ended", "%s\n%s", cmd, log)
		default:
			require.Less(t, time.Since(begin), time.Minute, "the server does not listen: %s", cmd)
		}
	}
	return forward(address)
}

// forward hands requests on as they are, for clients sign them.
func forward(address string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL = &url.URL{
				Scheme: "http", Host: address, Path: r.In.URL.Path, RawPath: r.In.URL.RawPath, RawQuery: r.In.URL.RawQuery,
			}
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, fmt.Sprintf("the server behind the proxy: %v", err), http.StatusBadGateway)
		},
	}
}
