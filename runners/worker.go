package runners

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"hyperlake/internal/guard"
)

// parentEvery is how often a worker looks for the program that started it.
const parentEvery = time.Second

// bootFolder matches the program of a worker in the folder that boot made for it alone.
var bootFolder = regexp.MustCompile(`^/tmp/bin[0-9]+/worker$`)

// StartedAsWorker recognises the flag with which Beam's boot program starts workers. It
// must be seen before the commands of the user, which do not know Beam's flags.
func StartedAsWorker(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		return strings.HasPrefix(arg, "-") && name == "worker" && value != "false"
	})
}

// ServeAsWorker serves the engine that started this process, with the flags of the
// command line. It returns when the process that started this one is gone: Beam's workers
// sleep for ever when their job has ended, and would so outlive it.
func ServeAsWorker() {
	parent := os.Getppid()
	if program, err := os.Executable(); err == nil && bootFolder.MatchString(program) {
		guard.RemoveAtDeath(filepath.Dir(program)) // boot leaves a copy of the program for every worker
	}
	flag.Parse()
	go beam.Init() // does not return in a worker; it ends the process when the engine is lost
	awaitOrphanage(context.Background(), parent)
}

// awaitOrphanage returns when this process has another parent, or ctx is done.
func awaitOrphanage(ctx context.Context, parent int) {
	tick := time.NewTicker(parentEvery)
	defer tick.Stop()
	for os.Getppid() == parent {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
