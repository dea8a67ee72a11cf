package runners

import (
	"context"
	"testing"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
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
			&fnpb.StartWorkerRequest{WorkerId: "late", ControlEndpoint: nowhere, LoggingEndpoint: nowhere})
		require.NoError(t, err)
		assert.Empty(t, answer.GetError())
	}
}

func TestHandingOverEndsWithTheRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	_, err := (&submission{}).stage(ctx, "job", "localhost:1", "token")
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), 2*time.Second)
}
