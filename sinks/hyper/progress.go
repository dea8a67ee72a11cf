package hyper

import (
	"context"
	"os"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

var (
	rowsLoaded   = beam.NewCounter("hyperlake", "rows_loaded")
	bytesWritten = beam.NewCounter("hyperlake", "bytes_written") // of partials, as far as their files have grown
)

// countEvery is how often the progress is told what hyperd has loaded.
const countEvery = 200 * time.Millisecond

// counting takes a step that may wait for hyperd. Meanwhile it counts, for which Beam wants the
// goroutine that it called. A cancelled bundle stops the loader.
func (fn *writeFn) counting(ctx context.Context, step func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- step() }()
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	cancelled := ctx.Done()
	for {
		select {
		case <-cancelled:
			fn.loader.session.cancel()
			cancelled = nil
		case err := <-ended:
			fn.count(ctx)
			return err
		case <-tick.C:
			fn.count(ctx)
		}
	}
}

// count adds the rows of deferred files that were loaded since, and what the partial has grown
// by: of a statement that is under way, hyperd tells nothing else.
func (fn *writeFn) count(ctx context.Context) {
	rowsLoaded.Inc(ctx, fn.loader.session.rowsLoaded.Swap(0))
	if stat, err := os.Stat(fn.target.path); err == nil && stat.Size() > fn.written {
		bytesWritten.Inc(ctx, stat.Size()-fn.written)
		fn.written = stat.Size()
	}
}
