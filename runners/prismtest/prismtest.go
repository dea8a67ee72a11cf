//go:build linux

// Package prismtest lets tests use Prism, Beam's local server, which can start workers that are
// processes of their own. Prism listens on all interfaces, and runs whatever anybody asks it to:
// tests that start one must be alone in a network namespace, where there is nothing but loopback.
package prismtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// bootVariable is where isolated tests find Beam's boot program.
const bootVariable = "HYPERLAKE_TEST_BOOT"

// portVariable makes the test binary a Prism, at that port.
const portVariable = "HYPERLAKE_TEST_PRISM"

// Isolate belongs into TestMain. It runs the test binary once more, in a network namespace of its
// own, and ends the process with the same exit code; in that namespace it returns. What tests
// need of the network is fetched before: [Boot].
func Isolate() {
	if !Isolated() {
		os.Exit(RunIsolated(os.Args[1:]...))
	}
	err := raiseLoopback()
	if port := os.Getenv(portVariable); err == nil && port != "" {
		err = serve(port)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "isolate the tests:", err)
		os.Exit(1)
	}
}

// RunIsolated runs this program, with other arguments, in a network namespace of its own, and
// returns its exit code.
func RunIsolated(args ...string) int {
	folder, err := os.MkdirTemp("", "hl")
	if err != nil {
		fmt.Fprintln(os.Stderr, "isolate the tests:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	boot := filepath.Join(folder, "boot")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", boot, "github.com/apache/beam/sdks/v2/go/container")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build Beam's boot program: %v\n%s", err, output)
		return 1
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), bootVariable+"="+boot)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = ownNetwork()
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "isolate the tests, which takes root or user namespaces:", err)
		return 1
	}
	return 0
}

// ownNetwork is a network namespace, for which other users than root need one of users.
func ownNetwork() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// Isolated says whether this process was started by [RunIsolated], and has no network but
// loopback.
func Isolated() bool {
	interfaces, err := net.Interfaces()
	return os.Getenv(bootVariable) != "" && err == nil && len(interfaces) == 1 && interfaces[0].Flags&net.FlagLoopback != 0
}

// raiseLoopback has the loopback interface of a new namespace work.
func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	loopback.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback)
}

// Boot is the path of Beam's boot program.
func Boot() string { return os.Getenv(bootVariable) }

// Server is a Prism that runs.
type Server struct {
	Endpoint string // HOST:PORT of the job service
	PID      int
}

// Start starts a Prism in a process of its own, which ends with the test. Tests that are not
// isolated fail.
func Start(t testing.TB) Server {
	require.True(t, Isolated(), "Prism listens on all interfaces: isolate the tests")
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), portVariable+"="+strconv.Itoa(port), "GORACE=log_path=/dev/null") // its races are Beam's
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	endpoint := fmt.Sprintf("localhost:%d", port)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", endpoint)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, time.Minute, 20*time.Millisecond, "Prism does not start")
	return Server{endpoint, cmd.Process.Pid}
}

// serve is a Prism, for as long as the process lives.
func serve(port string) error {
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	if _, err := prism.CreateJobServer(context.Background(), prism.Options{Port: number}); err != nil {
		return err
	}
	select {}
}
