package runners

import (
	"context"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime"
)

// endedEvery is how often a worker looks whether its job has ended.
const endedEvery = 10 * time.Second

// Ended says whether a job has ended, from the notes that its workers got in
// [Options.Notes]. It is asked in workers, now and then, and returns in seconds. An error
// says that it could not be seen.
type Ended func(ctx context.Context, note func(name string) string) (bool, error)

// awaitEnd returns when the job has been seen ended twice, or ctx is done. Once may be a
// folder that is not mounted for a moment.
func awaitEnd(ctx context.Context, ended Ended, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for seen := 0; seen < 2; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if over, err := ended(ctx, runtime.GlobalOptions.Get); over && err == nil {
			seen++
		} else {
			seen = 0
		}
	}
}
