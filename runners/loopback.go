package runners

import (
	"context"
	"fmt"
	"net"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness"
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"
	"google.golang.org/grpc"
)

// loopback lets engines have this process as a worker, as often as they ask. Beam's own
// takes each name of a worker once; but the TaskManagers of Flink, each for itself, give
// theirs the same names.
type loopback struct {
	fnpb.UnimplementedBeamFnExternalWorkerPoolServer
	workers context.Context // of those that run
}

// startLoopback returns the address of a pool whose workers end with ctx at the latest.
//
// The pool itself stays, an idle listener, until the process ends: Prism, in this process,
// may be about to ask for a worker of a job that was just cancelled, and ends the process
// in a panic when it is refused.
func startLoopback(ctx context.Context) (address string, err error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return "", err
	}
	server := grpc.NewServer()
	fnpb.RegisterBeamFnExternalWorkerPoolServer(server, &loopback{workers: ctx})
	go func() { _ = server.Serve(listener) }() // it serves as long as the process runs
	return fmt.Sprintf("localhost:%d", listener.Addr().(*net.TCPAddr).Port), nil
}

// StartWorker makes this process one more worker of the engine that asks.
func (l *loopback) StartWorker(ctx context.Context, request *fnpb.StartWorkerRequest) (*fnpb.StartWorkerResponse, error) {
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
