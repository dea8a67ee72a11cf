package postgrestest

import (
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Proxy stands before a server, and cuts connections.
type Proxy struct {
	Port int

	server string
	left   atomic.Int64 // bytes from the server until all is cut
}

// NewProxy lets so many bytes of the server through, of all connections together, and then cuts them.
func NewProxy(t testing.TB, server *Server, bytes int64) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	proxy := &Proxy{Port: listener.Addr().(*net.TCPAddr).Port, server: net.JoinHostPort("127.0.0.1", strconv.Itoa(server.Port))}
	proxy.left.Store(bytes)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go proxy.serve(client)
		}
	}()
	return proxy
}

// serve carries one connection.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client) }()
	buffer := make([]byte, 4<<10)
	for {
		n, err := server.Read(buffer)
		left := p.left.Add(-int64(n))
		_, _ = client.Write(buffer[:max(0, min(int64(n), int64(n)+left))])
		if err != nil || left <= 0 {
			return
		}
	}
}
