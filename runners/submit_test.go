package runners

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Prism panics when it is refused a worker, also of a job that was cancelled a moment ago.
func TestWorkersAreNotRefusedAfterTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := &submission{target: target{environment: environment{loopback: true}}}
	require.NoError(t, s.prepareWorker(ctx))
	cancel()
	s.close()
	conn, err := grpc.NewClient(s.target.environment.config, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	nowhere := &pipepb.ApiServiceDescriptor{Url: "localhost:1"}
	for range 2 { // the TaskManagers of Flink ask by the same names
		answer, err := fnpb.NewBeamFnExternalWorkerPoolClient(conn).StartWorker(t.Context(),
			&fnpb.StartWorkerRequest{WorkerId: "late", ControlEndpoint: nowhere, LoggingEndpoint: nowhere, Params: s.target.environment.params})
		require.NoError(t, err)
		assert.Empty(t, answer.GetError())
	}
}

// Every user of the machine reaches the pool.
func TestStrangersGetNoWorker(t *testing.T) {
	t.Parallel()
	pool, err := startLoopback(t.Context())
	require.NoError(t, err)
	conn, err := grpc.NewClient(pool.GetEndpoint().GetUrl(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	strange, err := net.Listen("tcp", "localhost:0") // that of somebody who wants to be our engine
	require.NoError(t, err)
	t.Cleanup(func() { _ = strange.Close() })
	engine := &pipepb.ApiServiceDescriptor{Url: strange.Addr().String()}
	for _, params := range []map[string]string{nil, {secretParam: ""}, {secretParam: "guess"}, {"other": pool.GetParams()[secretParam]}} {
		_, err := fnpb.NewBeamFnExternalWorkerPoolClient(conn).StartWorker(t.Context(),
			&fnpb.StartWorkerRequest{WorkerId: "w", ControlEndpoint: engine, LoggingEndpoint: engine, Params: params})
		assert.Equal(t, codes.PermissionDenied, status.Code(err), params)
	}
	require.NoError(t, strange.(*net.TCPListener).SetDeadline(time.Now().Add(200*time.Millisecond)))
	_, err = strange.Accept()
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded, "no worker went there")
}

func TestHandingOverEndsWithTheRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	_, err := (&submission{}).stage(ctx, "job", "localhost:1", "token")
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), time.Minute)
}
