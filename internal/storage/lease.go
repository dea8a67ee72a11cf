package storage

import (
	"bytes"
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

// LeaseTerms say how long a lease lasts without being renewed, and how often it is. All who may want it must have the same.
type LeaseTerms struct{ Expiry, Renewal time.Duration }

// UsualLease is what the lease of one process means to all others.
var UsualLease = LeaseTerms{Expiry: 2 * time.Minute, Renewal: 20 * time.Second}

// Lease is a lock where the system has none: an object that its owner renews as long as he lives. One that was not renewed
// until it expires, by this machine's clock and the store's, is taken over. Its methods are safe for concurrent use.
type Lease struct {
	uri    string
	store  Store
	holder []byte
	expiry time.Duration

	writes int // so far; only of whoever takes or renews the lease

	mu       sync.Mutex // guards what follows
	standing Info       // as this process wrote it last
	renewed  time.Time
	taken    bool          // somebody else has it for certain
	lost     chan struct{} // closed once it is not known to be held

	expires *time.Timer // looks then whether it is lost
	stop    context.CancelFunc
	done    chan struct{}
}

// TakeLease makes or takes over the object at uri, with what others are to know of the holder in it, and renews it until
// Release. What it writes of the holder must be that of no other lease. If somebody else has it, it fails with [ErrLeased],
// and returns what he wrote.
func TakeLease(ctx context.Context, uri string, holder []byte, terms LeaseTerms) (*Lease, []byte, error) {
	store, err := For(uri)
	if err != nil {
		return nil, nil, err
	}
	l := &Lease{uri: uri, store: store, holder: holder, expiry: terms.Expiry, done: make(chan struct{}), lost: make(chan struct{})}
	err = l.write(ctx, IfAbsent())
	if errors.Is(err, ErrExists) {
		var other []byte
		if other, err = l.takeOver(ctx); err != nil {
			return nil, other, err
		}
	}
	if err != nil {
		return nil, nil, err
	}
	l.expires = time.AfterFunc(time.Until(l.renewed.Add(l.trusted())), l.look)
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	go l.renew(renewing, terms.Renewal)
	return l, nil, nil
}

// trusted is how long after a renewal the owner takes a lease for his: less than others wait, for a request that is on its way.
func (l *Lease) trusted() time.Duration { return l.expiry * 3 / 4 }

// takeOver takes a lease that has expired; of another one it returns who has it.
func (l *Lease) takeOver(ctx context.Context) (other []byte, err error) {
	info, err := l.store.Stat(ctx, l.uri)
	if errors.Is(err, fs.ErrNotExist) { // given back just now
		err = l.write(ctx, IfAbsent())
	} else if err == nil {
		if time.Since(info.Modified) < l.expiry {
			content, err := l.store.Get(ctx, l.uri)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrLeased, err)
			}
			return holderIn(content), ErrLeased
		}
		err = l.write(ctx, IfUnchanged(info))
	}
	if errors.Is(err, ErrExists) || errors.Is(err, ErrChanged) {
		err = ErrLeased
	}
	return nil, err
}

// write writes the object, and notes that it is ours from the moment before. No two writes have the same content: there is storage
// that would take them for one version, so that whoever finds an expired lease could take over one that was renewed meanwhile.
func (l *Lease) write(ctx context.Context, condition Condition) error {
	began := time.Now()
	l.writes++
	info, err := WriteIf(ctx, l.store, l.uri, fmt.Appendf(nil, "%s\n%d", l.holder, l.writes), condition)
	if err == nil {
		l.mu.Lock()
		l.standing, l.renewed = info, began
		l.mu.Unlock()
	}
	return err
}

// holderIn is what the content of a lease says of its holder.
func holderIn(content []byte) []byte {
	if end := bytes.LastIndexByte(content, '\n'); end >= 0 {
		return content[:end]
	}
	return content
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
		err := l.write(ctx, IfUnchanged(standing))
		if errors.Is(err, ErrChanged) || errors.Is(err, fs.ErrNotExist) {
			err = l.findAgain(ctx)
		}
		l.mu.Lock()
		l.taken = errors.Is(err, ErrLeaseLost)
		l.expires.Reset(time.Until(l.renewed.Add(l.trusted()))) // at once, if that is past
		taken := l.taken
		l.mu.Unlock()
		if taken {
			l.look()
			return
		}
	}
}

// findAgain renews a lease whose version is not the one that was known: our own request may have made it, whose
// answer did not arrive. It fails with [ErrLeaseLost] if it is somebody else's.
func (l *Lease) findAgain(ctx context.Context) error {
	info, err := l.store.Stat(ctx, l.uri)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrLeaseLost
	}
	if err != nil {
		return err
	}
	found, err := l.store.Get(ctx, l.uri)
	if err != nil {
		return err // whatever it is, the next try finds out
	}
	if !bytes.Equal(holderIn(found), l.holder) {
		return ErrLeaseLost
	}
	return l.write(ctx, IfUnchanged(info))
}

// Held fails with [ErrLeaseLost] if the lease is not known to be held: somebody else may have it. A process that was stopped for long
// asks before it goes on.
func (l *Lease) Held() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held()
}

func (l *Lease) held() error {
	if l.taken || time.Since(l.renewed) >= l.trusted() || time.Now().Round(0).Sub(l.renewed.Round(0)) >= l.trusted() {
		return ErrLeaseLost
	}
	return nil
}

// Lost is closed once the lease is not known to be held. That may be told a moment later than Held knows.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// look tells if the lease is lost.
func (l *Lease) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held() == nil {
		return
	}
	select {
	case <-l.lost:
	default:
		close(l.lost)
	}
}

// Release gives the lease back. It fails if the object cannot be removed, which expires then.
func (l *Lease) Release(ctx context.Context) error {
	l.stop()
	<-l.done
	l.expires.Stop()
	if l.Held() != nil {
		return nil // it may be somebody else's
	}
	return l.store.RemoveAll(ctx, l.uri)
}
