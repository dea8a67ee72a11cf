package runners

import (
	"context"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
)

// givenService is the job service that Beam's own flags name, of any portable engine.
type givenService struct{}

func (givenService) checks() []Check { return nil }

func (givenService) remote() bool { return !jobopts.IsLoopback() }

func (givenService) cancel(ctx context.Context, service jobpb.JobServiceClient, jobID string) error {
	return cancelByService(ctx, service, jobID)
}

func (givenService) start(ctx context.Context) (target, error) {
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
