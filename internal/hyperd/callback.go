package hyperd

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
)

// callback is where a hyperd that starts reports. It dials, says where it listens, and ends when
// the connection is closed. Whoever dials is believed to be that hyperd, and gets every statement:
// it is a socket in hyperd's private folder, which other users cannot enter. On Windows, where
// hyperd knows no such sockets, it is a port of this machine.
type callback struct {
	listener net.Listener
	asked    string // where hyperd was told to listen, in its own notation
}

// callbackName is no longer than socketName.
const callbackName = "call"

func listenForCallback(folder, asked string) (*callback, error) {
	network, address := "unix", filepath.Join(folder, callbackName)
	if runtime.GOOS == "windows" {
		network, address = "tcp", "127.0.0.1:0"
	}
	listener, err := net.Listen(network, address)
	return &callback{listener, asked}, err
}

// address is where hyperd is to dial, in its own notation.
func (c *callback) address() string {
	address := c.listener.Addr()
	if address.Network() == "tcp" {
		return "tab.tcp://" + address.String()
	}
	return domainAddress(filepath.Dir(address.String()), callbackName)
}

// close ends the waiting. Connections stay.
func (c *callback) close() { _ = c.listener.Close() }

// call is what a hyperd said.
type call struct {
	conn             net.Conn
	network, address string // where it listens
	err              error
}

// accept waits for the call. One that announces another place than was asked for is an error.
func (c *callback) accept() call {
	conn, err := c.listener.Accept()
	if err != nil {
		return call{err: err}
	}
	descriptor, err := readDescriptor(conn)
	if err == nil && !isAsked(c.asked, descriptor) {
		err = fmt.Errorf("it says that it listens at %q, but it was to listen at %q", descriptor, c.asked)
	}
	if err != nil {
		_ = conn.Close()
		return call{err: err}
	}
	network, address, err := parseDescriptor(descriptor)
	return call{conn, network, address, err}
}

// isAsked says whether a hyperd listens where it was asked to. Asked for any free port, it names
// the one that it took.
func isAsked(asked, announced string) bool {
	if anyPort, ok := strings.CutSuffix(asked, ":0"); ok {
		port, ok := strings.CutPrefix(announced, anyPort+":")
		return ok && port != "" && strings.Trim(port, "0123456789") == ""
	}
	return announced == asked
}

// domainAddress is a domain socket in hyperd's notation.
func domainAddress(folder, name string) string { return "tab.domain://" + folder + "/domain/" + name }

// readDescriptor reads hyperd's callback: one byte with the length, then the descriptor,
// ended by NUL.
func readDescriptor(r io.Reader) (string, error) {
	var size [1]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return "", fmt.Errorf("read its callback: %w", err)
	}
	text := make([]byte, size[0])
	if _, err := io.ReadFull(r, text); err != nil {
		return "", fmt.Errorf("read its callback: %w", err)
	}
	return string(bytes.TrimRight(text, "\x00")), nil
}

// parseDescriptor turns hyperd's notation of an address into Go's.
func parseDescriptor(descriptor string) (network, address string, err error) {
	if address, ok := strings.CutPrefix(descriptor, "tab.tcp://"); ok {
		return "tcp", address, nil
	}
	if rest, ok := strings.CutPrefix(descriptor, "tab.domain://"); ok {
		if folder, name, ok := strings.Cut(rest, "/domain/"); ok {
			return "unix", folder + "/" + name, nil
		}
	}
	return "", "", fmt.Errorf("it called back with %q, which is no address", descriptor)
}
