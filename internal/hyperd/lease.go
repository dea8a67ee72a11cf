package hyperd

import (
	"context"
	"reflect"
	"sync"
	"time"

	"hyperlake/internal/failure"
)

// idleTimeout is how long a hyperd without a lease lives on. A restart costs 40 ms; a
// worker that will never get another bundle should not hold its memory for long.
const idleTimeout = 10 * time.Second

// shared is the hyperd of this process, reading the one beside it that is kept to reading.
var shared, reading = manager{idle: idleTimeout}, manager{idle: idleTimeout}

// Acquire takes a lease on this process's hyperd and starts it if none runs. ctx bounds
// the start. Two configurations cannot be in use at once; but one that is kept to reading is
// a hyperd of its own. A second configuration is an error of kind Hyperd, and so is a hyperd that is
// not found or does not start; limits of the system that leave it no room are one of kind Engine, and
// settings that are not accepted of kind Config. Safe for concurrent use.
func Acquire(ctx context.Context, cfg Config) (*Lease, error) {
	if cfg.Reading != NotOnly {
		return reading.acquire(ctx, cfg)
	}
	return shared.acquire(ctx, cfg)
}

// Shutdown stops this process's hyperd, whether or not it is leased, and returns when it
// is gone. Leases fail from then on; Acquire starts a new one.
func Shutdown() { shutdown((*process).stop) }

// Kill ends this process's hyperd at once, as an interrupted run wants it.
func Kill() { shutdown((*process).kill) }

func shutdown(end func(*process)) {
	shared.shutdown(end)
	reading.shutdown(end)
}

// manager owns at most one hyperd.
type manager struct {
	idle time.Duration

	mu      sync.Mutex
	cfg     Config
	sharers int // of the machine's memory when current was started
	current *process
	leases  int         // on current
	timer   *time.Timer // stops current when it fires; set while leases is 0
}

// Lease is the right to use a running hyperd. Connections are opened on it; they end
// before it does. Safe for concurrent use.
type Lease struct {
	process *process
	release func()
}

func (m *manager) acquire(ctx context.Context, cfg Config) (*Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timer != nil {
		m.timer.Stop()
		m.timer = nil
	}
	if err := m.provide(ctx, cfg); err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(m.cfg, cfg) {
		return nil, failure.New(failure.Hyperd, "hyperd is in use with other settings in this process")
	}
	m.leases++
	p := m.current
	return &Lease{process: p, release: sync.OnceFunc(func() { m.released(p) })}, nil
}

// provide starts hyperd if none runs that is alive. One that nobody uses is replaced when
// it was started with another configuration or another part of the machine's memory.
func (m *manager) provide(ctx context.Context, cfg Config) error {
	alive := m.current != nil && m.current.alive()
	if alive && m.leases > 0 {
		return nil
	}
	sharers := cfg.sharers()
	if alive && m.sharers == sharers && reflect.DeepEqual(m.cfg, cfg) {
		return nil
	}
	m.drop((*process).stop)
	started, err := start(ctx, cfg, sharers)
	if err != nil {
		return err
	}
	m.cfg, m.sharers, m.current = cfg, sharers, started
	return nil
}

// released counts one lease on p less. p may have been replaced since.
func (m *manager) released(p *process) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current != p {
		return
	}
	if m.leases--; m.leases > 0 {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(m.idle, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.timer == timer {
			m.timer = nil
			m.drop((*process).stop)
		}
	})
	m.timer = timer
}

func (m *manager) shutdown(end func(*process)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timer != nil {
		m.timer.Stop()
		m.timer = nil
	}
	m.drop(end)
}

// drop ends the current hyperd. The caller holds the lock.
func (m *manager) drop(end func(*process)) {
	if m.current != nil {
		end(m.current)
	}
	m.current, m.leases = nil, 0
}

// Version is the version of the leased hyperd, such as 0.0.26963. It fails as [Version] does.
func (l *Lease) Version(ctx context.Context) (string, error) { return Version(ctx, l.process.path) }

// PID is the process id of the leased hyperd, for those who watch it from outside.
func (l *Lease) PID() int { return l.process.cmd.Process.Pid }

// Release gives the lease back. Calling it again does nothing.
func (l *Lease) Release() { l.release() }
