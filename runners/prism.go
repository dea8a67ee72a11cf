package runners

import (
	"context"
	"fmt"
	"net"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"

	"hyperlake/internal/failure"
)

// prismEngine is Beam's runner inside this process, or the one that Beam's own flags name.
type prismEngine struct{}

func (prismEngine) checks() []Check { return nil }

func (prismEngine) remote() bool {
	return *jobopts.EnvironmentType != "" && !jobopts.IsLoopback()
}

func (prismEngine) cancel(ctx context.Context, service jobpb.JobServiceClient, jobID string) error {
	return cancelByService(ctx, service, jobID)
}

func (prismEngine) start(ctx context.Context) (target, error) {
	if err := startPrism(ctx); err != nil {
		return target{}, err
	}
	return target{
		endpoint: *jobopts.Endpoint,
		environment: environment{
			urn:      jobopts.GetEnvironmentUrn(ctx),
			config:   *jobopts.EnvironmentConfig,
			loopback: jobopts.IsLoopback(),
			binary:   *jobopts.WorkerBinary,
		},
	}, nil
}

// startPrism starts Prism's job service inside this process, unless the user named the
// endpoint of one or an earlier run started it.
func startPrism(ctx context.Context) error {
	if *jobopts.EnvironmentType == "" {
		*jobopts.EnvironmentType = "loopback" // DoFns run in this process
	}
	if *jobopts.Endpoint != "" {
		return nil
	}
	const attempts = 5 // another program may take a free port before Prism does
	var err error
	for range attempts {
		var port int
		if port, err = freePort(); err != nil {
			continue
		}
		if err = servePrism(ctx, port); err == nil {
			*jobopts.Endpoint = fmt.Sprintf("localhost:%d", port)
			return nil
		}
	}
	return failure.New(failure.Engine, "start Prism: %w", err).Retryable()
}

// servePrism turns the panic of a port that is taken into an error.
func servePrism(ctx context.Context, port int) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	_, err = prism.CreateJobServer(ctx, prism.Options{Port: port})
	return err
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
