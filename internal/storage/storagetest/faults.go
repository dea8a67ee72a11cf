package storagetest

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Operation is a kind of request.
type Operation string

// The kinds of requests. An upload of more than one chunk is several writes: one that
// begins it, where the service asks for that, and one for each chunk. Of gs:// the last chunk completes it.
const (
	List     Operation = "list"
	Stat     Operation = "stat"
	Read     Operation = "read"
	Write    Operation = "write"
	Complete Operation = "complete" // makes an object of what was uploaded
	Abort    Operation = "abort"    // forgets what was uploaded
	Delete   Operation = "delete"
)

// Fault is something that goes wrong with requests. Without any of the fields after Times
// it is nothing.
type Fault struct {
	On    Operation
	Name  string // only requests for objects whose names contain it
	Skip  int    // requests that pass before the first one that meets the fault
	Times int    // requests that meet it; 0 is all

	Status int           // the answer, when not 0; the request is not carried out
	Code   string        // what the service calls that answer; empty is what it usually means
	Header http.Header   // of that answer
	Cut    bool          // the connection is cut after After bytes of the content, which a write sends and a read answers
	After  int64         // see Cut
	Lose   bool          // the request is carried out and the connection cut before the answer; not for the chunks of an upload
	Spoil  bool          // the first byte of what is read is another one
	Pause  time.Duration // before every 32 KiB of an answer, and before the first
	Before func()        // called before the request is carried out
}

// Faults makes an object store misbehave, and counts what it is asked for. It is safe for
// concurrent use.
type Faults struct {
	mu     sync.Mutex
	faults []*Fault
	counts map[Operation]int
	read   int64
}

// Inject adds a fault. Of several that fit a request, the first one is met.
func (f *Faults) Inject(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault.Times == 0 {
		fault.Times = -1
	}
	f.faults = append(f.faults, &fault)
}

// Heal removes all faults.
func (f *Faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Count returns how many requests of a kind have come, those that met a fault included.
func (f *Faults) Count(operation Operation) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[operation]
}

// BytesRead returns how many bytes of objects have been sent.
func (f *Faults) BytesRead() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read
}

// send counts bytes of an object.
func (f *Faults) send(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read += int64(n)
}

// meet counts a request and returns the fault that it meets, or one that does nothing.
func (f *Faults) meet(operation Operation, name string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[operation]++
	for _, fault := range f.faults {
		if fault.On != operation || !strings.Contains(name, fault.Name) || fault.Times == 0 {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
			continue
		}
		fault.Times--
		return *fault
	}
	return Fault{}
}
