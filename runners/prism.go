package runners

import (
	"context"
	"fmt"
	"net"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal"

	"hyperlake/internal/failure"
)

// startPrism starts Prism's job service inside this process, unless the user named the
// endpoint of one or an earlier run started it.
func startPrism(ctx context.Context) error {
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
			break
		}
	}
	if err != nil {
		return failure.New(failure.Engine, "start Prism: %w", err).Retryable()
	}
	if *jobopts.EnvironmentType == "" {
		*jobopts.EnvironmentType = "loopback" // DoFns run in this process
	}
	return nil
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

// execute submits a pipeline to the job service and waits for its end.
func execute(ctx context.Context, pipeline *beam.Pipeline) error {
	_, err := universal.Execute(ctx, pipeline)
	return err
}
