package hyperd

import (
	"context"
	"time"
)

// Folder is the private folder of that process.
func (l *Lease) Folder() string { return l.process.folder }

// Password is that of that process.
func (l *Lease) Password() string { return l.process.password }

// Address is where that process listens.
func (l *Lease) Address() string { return l.process.address }

// LeaseAt is a lease on what listens at an address and ought to be a hyperd.
func LeaseAt(address string) *Lease {
	return &Lease{process: &process{network: "tcp", address: address, password: "secret", exited: make(chan struct{}), asked: make(chan struct{})}}
}

// Cut ends the connection of a session as a failure would.
func (c *Conn) Cut() error { return c.pg.Conn().Close() }

// Locate is what a start runs.
func (c Config) Locate(ctx context.Context) (string, error) { return c.locate(ctx) }

// Upload puts a file on staging as that hyperd.
func (s *Staged) Upload(ctx context.Context, binary string, progress func(string)) error {
	return s.upload(ctx, binary, progress)
}

// MemoryLimit is the automatic limit of one of so many workers.
func MemoryLimit(workers int) string { return memoryLimitFlag("auto", usableMemory(), workers) }

// Manager is a manager of its own, beside that of the process.
type Manager struct{ manager }

// NewManager makes a Manager with a timeout of its own.
func NewManager(idle time.Duration) *Manager { return &Manager{manager{idle: idle}} }

// Shutdown stops its hyperd.
func (m *Manager) Shutdown() { m.shutdown((*process).stop) }

// Acquire takes a lease.
func (m *Manager) Acquire(ctx context.Context, cfg Config) (*Lease, error) {
	return m.acquire(ctx, cfg)
}

// Tokens are all parts of a statement.
func Tokens(sql string) []string {
	var texts []string
	for sql != "" {
		t := nextToken(sql)
		texts, sql = append(texts, t.text), sql[len(t.text):]
	}
	return texts
}
