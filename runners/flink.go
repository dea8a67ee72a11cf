package runners

import (
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"hyperlake/internal/failure"
	"hyperlake/runners/options"
)

// answerDeadline is how long a job server may take for its first answer.
const answerDeadline = 10 * time.Second

// flinkEngine is a Flink cluster behind Beam's job server.
type flinkEngine struct {
	options     options.Flink
	parallelism int
}

func (f flinkEngine) checks() []Check {
	return []Check{{"program for workers", f.checkProgram}, {"Beam job server", f.checkJobServer}, {"Flink cluster", f.checkCluster}}
}

func (f flinkEngine) remote() bool { return f.options.Environment != options.FlinkLoopback }

func (f flinkEngine) checkProgram(context.Context) (found string, err error) {
	env, err := f.environment()
	if env.loopback {
		return "this process", err
	}
	return env.binary, err
}

func (f flinkEngine) checkJobServer(ctx context.Context) (found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	conn, err := grpc.NewClient(f.options.Endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err == nil {
		defer func() { _ = conn.Close() }()
		_, err = jobpb.NewJobServiceClient(conn).GetJobs(ctx, &jobpb.GetJobsRequest{})
	}
	if err != nil {
		return "", failure.New(failure.Engine, "no Beam job server for Flink answers at %s: %w", f.options.Endpoint, err).
			WithHint("%s", f.startHint())
	}
	return "answers at " + f.options.Endpoint, nil
}

// checkCluster asks the JobManager. A cluster that starts has no task slots for a while.
func (f flinkEngine) checkCluster(ctx context.Context) (found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	cluster, err := f.rest().overview(ctx)
	address := "http://" + f.rest().address
	if err != nil {
		failed := failure.New(failure.Engine, "no JobManager of Flink answers at %s: %w", address, err).
			WithHint("set runner.flink.rest_endpoint to the HOST:PORT of its REST interface")
		if answer := (statusError{}); errors.As(err, &answer) && answer.status == http.StatusServiceUnavailable {
			return "", failed.Retryable()
		}
		return "", failed
	}
	if cluster.Slots == 0 {
		return "", failure.New(failure.Engine, "the Flink cluster at %s has no task slots", address).Retryable().
			WithHint("start TaskManagers that join it; %s/#/task-manager lists those that have", address)
	}
	found = fmt.Sprintf("Flink %s with %d task slots, %d of them free, at %s", cluster.Version, cluster.Slots, cluster.FreeSlots, address)
	if !strings.HasPrefix(cluster.Version, triedFlink+".") {
		return "", &CautionError{
			Found: found + ", which was not tried: it was with Flink " + triedFlink,
			Hint:  "Beam's job server does not tell which version of Flink it is made for: see that it is this one",
		}
	}
	return found, nil
}

// triedFlink is the minor version of Flink that all this was tried with.
const triedFlink = "1.19"

// startHint is how to get a job server.
func (f flinkEngine) startHint() string {
	port := "8099"
	if _, given, err := net.SplitHostPort(f.options.Endpoint); err == nil {
		port = given
	}
	return fmt.Sprintf("set runner.flink.endpoint, or start one: `java -cp 'LIB/*' org.apache.beam.runners.flink.FlinkJobServerDriver"+
		" --flink-master JOBMANAGER:8081 --job-port %s`; to try it on this machine, `make flink-up` starts all there is to it", port)
}

func (f flinkEngine) start(context.Context) (target, error) {
	env, err := f.environment()
	return target{endpoint: f.options.Endpoint, environment: env, parallelism: f.parallelism}, err
}

// cancel asks the job server, which cancels what is not on the cluster yet, and the cluster.
func (f flinkEngine) cancel(ctx context.Context, service jobpb.JobServiceClient, jobID string) error {
	serviceErr := cancelByService(ctx, service, jobID)
	if err := f.rest().cancel(ctx, nameOnFlink(jobID)); err != nil {
		return fmt.Errorf("job %s may go on, cancel it at http://%s: %w", nameOnFlink(jobID), f.rest().address, errors.Join(err, serviceErr))
	}
	return nil
}

// environment turns the options into Beam's terms.
func (f flinkEngine) environment() (environment, error) {
	var env environment
	switch f.options.Environment {
	case options.FlinkLoopback:
		return environment{loopback: true}, nil
	case options.FlinkProcess:
		config, err := json.Marshal(map[string]string{"command": f.options.WorkerCommand})
		if err != nil {
			return env, err
		}
		env.urn, env.config = processURN, string(config)
	case options.FlinkExternal:
		env.urn, env.config = externalURN, f.options.WorkerAddress
	case options.FlinkDocker:
		env.urn, env.config = dockerURN, f.options.Image
	default:
		return env, failure.New(failure.Config, "unknown environment %q of Flink's workers", f.options.Environment)
	}
	var err error
	env.binary, err = workerBinary(f.options.WorkerBinary, "runner.flink.worker_binary")
	return env, err
}

// workerBinary is the program for workers, given under a key or else this one, if workers can run it.
func workerBinary(given, key string) (string, error) {
	path := given
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return "", failure.New(failure.Engine, "find the program for workers: %w", err)
		}
		path = self
	}
	if err := checkLinuxBinary(path); err != nil {
		return "", failure.New(failure.Config, "workers cannot run %s: %w", path, err).
			WithHint("build one with `GOOS=linux GOARCH=amd64 CGO_ENABLED=0 go build -o hyperlake-worker ./cmd/hyperlake`, and set %s to it", key)
	}
	return path, nil
}

// checkLinuxBinary says why a file is no program for Linux on amd64.
func checkLinuxBinary(path string) error {
	file, err := elf.Open(path)
	if format := new(elf.FormatError); errors.As(err, &format) {
		return errors.New("it is no program for Linux")
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if file.Machine != elf.EM_X86_64 {
		return fmt.Errorf("it is made for %s, not for amd64", file.Machine)
	}
	return nil
}
