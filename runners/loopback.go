package runners

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness"
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// loopback lets the engine of a job have this process as a worker, as often as it asks. Beam's
// own takes each name of a worker once; but the TaskManagers of Flink, each for itself, give
// theirs the same names. Every user of this machine reaches the pool: whoever asks must know
// the secret, which only the engine has been told, with the job.
type loopback struct {
	fnpb.UnimplementedBeamFnExternalWorkerPoolServer
	workers context.Context // of those that run
	secret  string
}

// secretParam is the parameter of an external environment that holds the secret of its pool.
// Engines hand parameters on with every request for a worker.
const secretParam = "hyperlake_secret"

// startLoopback returns the environment of a pool, as its payload, whose workers end with ctx
// at the latest.
//
// The pool itself stays, an idle listener, until the process ends: an engine may be about to ask
// for a worker of a job that was just cancelled, and Prism ends in a panic when it is refused.
func startLoopback(ctx context.Context) (*pipepb.ExternalPayload, error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return nil, err
	}
	pool := &loopback{workers: ctx, secret: rand.Text()}
	server := grpc.NewServer()
	fnpb.RegisterBeamFnExternalWorkerPoolServer(server, pool)
	go func() { _ = server.Serve(listener) }() // it serves as long as the process runs
	return &pipepb.ExternalPayload{
		Endpoint: &pipepb.ApiServiceDescriptor{Url: fmt.Sprintf("localhost:%d", listener.Addr().(*net.TCPAddr).Port)},
		Params:   map[string]string{secretParam: pool.secret},
	}, nil
}

// StartWorker makes this process one more worker of the engine that asks.
func (l *loopback) StartWorker(ctx context.Context, request *fnpb.StartWorkerRequest) (*fnpb.StartWorkerResponse, error) {
	if subtle.ConstantTimeCompare([]byte(request.GetParams()[secretParam]), []byte(l.secret)) != 1 {
		return nil, status.Error(codes.PermissionDenied, "whoever asks for a worker must know the secret of the job")
	}
	var options harness.Options
	if provision := request.GetProvisionEndpoint().GetUrl(); provision != "" {
		info, err := tools.ProvisionInfo(grpcx.WriteWorkerID(ctx, request.GetWorkerId()), provision)
		if err == nil { // else Beam's defaults must do
			options = harness.Options{StatusEndpoint: info.GetStatusEndpoint().GetUrl(), RunnerCapabilities: info.GetRunnerCapabilities()}
		}
	}
	worker := grpcx.WriteWorkerID(l.workers, request.GetWorkerId())
	go func() {
		_ = harness.MainWithOptions(worker, request.GetLoggingEndpoint().GetUrl(), request.GetControlEndpoint().GetUrl(), options)
	}()
	return &fnpb.StartWorkerResponse{}, nil
}

// StopWorker leaves a worker to itself: it ends when the engine hangs up, and its name may
// be that of another one.
func (*loopback) StopWorker(context.Context, *fnpb.StopWorkerRequest) (*fnpb.StopWorkerResponse, error) {
	return &fnpb.StopWorkerResponse{}, nil
}
