package runners

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness/init" // the flags of a worker
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"

	"hyperlake/internal/guard"
	"hyperlake/internal/machine"
	"hyperlake/internal/scratch"
)

// parentEvery is how often a worker looks for the program that started it.
const parentEvery = time.Second

// StartedAsWorker recognises the flag with which Beam's boot program starts workers. It
// must be seen before the commands of the user, which do not know Beam's flags.
func StartedAsWorker(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		return strings.HasPrefix(arg, "-") && name == "worker" && value != "false"
	})
}

// ServeAsWorker serves the engine that started this process, with the flags of the
// command line, as one of the workers of this machine. It returns when the engine ends the
// connection, whether or not it has more work, when the job has ended and the engine keeps
// the worker all the same, and when the process that started this one is gone. What runs
// then ends with the process. Boot ends with the worker, too. It fails where the options of the job cannot be read,
// and where the connection broke.
func ServeAsWorker(ended Ended) error {
	parent := os.Getppid()
	program, _ := os.Executable()
	folder, byBoot := scratch.BootFolder(program)
	if byBoot {
		guard.RemoveAtDeath(folder)
	}
	seat, err := machine.TakeSeat()
	if err == nil {
		defer seat.Leave()
	} else {
		fmt.Fprintln(os.Stderr, err) // it can work: as if it were alone
	}
	if err := importFlags(); err != nil {
		return err
	}
	served, over, orphaned := make(chan error, 1), make(chan struct{}), make(chan struct{})
	go func() { served <- serve(context.Background()) }()
	go func() {
		awaitEnd(context.Background(), ended, endedEvery)
		close(over)
	}()
	go func() {
		awaitOrphanage(context.Background(), parent)
		close(orphaned)
	}()
	select {
	case err = <-served:
	case <-over:
		err = nil
	case <-orphaned:
		return nil
	}
	if byBoot {
		endBoot(parent)
	}
	return err
}

// endBoot ends the boot program of this worker alone. By itself, it would tell the engine
// that its worker has ended, and where the engine is gone, it would hang in that for ever.
func endBoot(pid int) {
	if boot, err := os.FindProcess(pid); err == nil && os.Getppid() == pid {
		_ = boot.Signal(syscall.SIGTERM) // it may have ended
	}
}

// importFlags reads the flags of the command line, and the options of the job.
func importFlags() error {
	flag.Parse()
	if err := flag.Set("worker", "false"); err != nil { // else Beam's Init would not return
		return err
	}
	return importPipelineOptions(os.Getenv("PIPELINE_OPTIONS_FILE"))
}

// serve does what Beam's own worker does, but returns when the engine has ended the
// connection: Beam's sleeps for ever then.
func serve(ctx context.Context) error {
	beam.Init()
	given := func(name string) string { return flag.Lookup(name).Value.String() }
	err := harness.MainWithOptions(grpcx.WriteWorkerID(ctx, given("id")),
		given("logging_endpoint"), given("control_endpoint"), harness.Options{
			RunnerCapabilities: strings.Fields(os.Getenv("RUNNER_CAPABILITIES")),
			StatusEndpoint:     os.Getenv("STATUS_ENDPOINT"),
		})
	if err != nil {
		return fmt.Errorf("the connection to the engine ended: %w", err)
	}
	return nil
}

// importPipelineOptions reads the options of the job from the file that boot wrote. Without
// a file there are none.
func importPipelineOptions(path string) error {
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("options of the job: %w", err)
	}
	var options runtime.RawOptionsWrapper
	if err := json.Unmarshal(data, &options); err != nil {
		return fmt.Errorf("options of the job in %s: %w", path, err)
	}
	runtime.GlobalOptions.Import(options.Options)
	return nil
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
