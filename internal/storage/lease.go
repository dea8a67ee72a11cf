package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// ErrLeased says that somebody else has a lease.
var ErrLeased = errors.New("somebody else has it")

// ErrLeaseLost says that a lease was not renewed in time, so that somebody else may have it.
var ErrLeaseLost = errors.New("it was not renewed in time, and somebody else may have it")

// How long a lease lasts without being renewed, and how often it is.
const (
	leaseExpiry  = 2 * time.Minute
	leaseRenewal = 20 * time.Second
)

// Lease is a lock where the system has none: an object that its owner renews as long as he lives. One that was not renewed
// for two minutes, by this machine's clock and the store's, is taken over. Its methods are safe for concurrent use.
type Lease struct {
	uri    string
	store  Store
	holder []byte
	expiry time.Duration

	mu       sync.Mutex // guards what follows
	standing Info       // as this process wrote it last
	renewed  time.Time

	stop context.CancelFunc
	done chan struct{}
}

// TakeLease makes or takes over the object at uri, with what others are to know of the holder in it, and renews it until
// Release. If somebody else has it, it fails with [ErrLeased], and returns what he wrote.
func TakeLease(ctx context.Context, uri string, holder []byte) (*Lease, []byte, error) {
	store, err := For(uri)
	if err != nil {
		return nil, nil, err
	}
	return takeLease(ctx, store, uri, holder, leaseExpiry, leaseRenewal)
}

func takeLease(ctx context.Context, store Store, uri string, holder []byte, expiry, renewal time.Duration) (*Lease, []byte, error) {
	l := &Lease{uri: uri, store: store, holder: holder, expiry: expiry, done: make(chan struct{})}
	err := l.write(ctx, IfAbsent())
	if errors.Is(err, ErrExists) {
		var other []byte
		if other, err = l.takeOver(ctx); err != nil {
			return nil, other, err
		}
	}
	if err != nil {
		return nil, nil, err
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	go l.renew(renewing, renewal)
	return l, nil, nil
}

// takeOver takes a lease that has expired; of another one it returns who has it.
func (l *Lease) takeOver(ctx context.Context) (other []byte, err error) {
	info, err := l.store.Stat(ctx, l.uri)
	if errors.Is(err, fs.ErrNotExist) { // given back just now
		err = l.write(ctx, IfAbsent())
	} else if err == nil {
		if time.Since(info.Modified) < l.expiry {
			if other, err = l.store.Get(ctx, l.uri); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrLeased, err)
			}
			return other, ErrLeased
		}
		err = l.write(ctx, IfUnchanged(info))
	}
	if errors.Is(err, ErrExists) || errors.Is(err, ErrChanged) {
		err = ErrLeased
	}
	return nil, err
}

// write writes the object, and notes that it is ours from the moment before.
func (l *Lease) write(ctx context.Context, condition Condition) error {
	began := time.Now()
	file, err := l.store.Create(ctx, l.uri, condition)
	if err != nil {
		return err
	}
	defer file.Abort()
	if _, err := file.Write(l.holder); err != nil {
		return err
	}
	info, err := file.Commit()
	if err == nil {
		l.mu.Lock()
		l.standing, l.renewed = info, began
		l.mu.Unlock()
	}
	return err
}

// renew renews the lease until the context ends or somebody else has it. What fails otherwise is tried again.
func (l *Lease) renew(ctx context.Context, every time.Duration) {
	defer close(l.done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		l.mu.Lock()
		standing := l.standing
		l.mu.Unlock()
		if err := l.write(ctx, IfUnchanged(standing)); errors.Is(err, ErrChanged) || errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
}

// Held fails with [ErrLeaseLost] if the lease is not known to be held: somebody else may have it. A process that was stopped for long
// asks before it goes on.
func (l *Lease) Held() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.renewed) >= l.expiry*3/4 || time.Now().Round(0).Sub(l.renewed.Round(0)) >= l.expiry*3/4 {
		return ErrLeaseLost
	}
	return nil
}

// Release gives the lease back. It fails if the object cannot be removed, which expires then.
func (l *Lease) Release(ctx context.Context) error {
	l.stop()
	<-l.done
	if l.Held() != nil {
		return nil // it may be somebody else's
	}
	return l.store.RemoveAll(ctx, l.uri)
}
