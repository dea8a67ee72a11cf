package runners

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/dataflow/dataflowlib"
	df "google.golang.org/api/dataflow/v1b3"
	"google.golang.org/protobuf/proto"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// dataflowJob is a job that has not been sent.
type dataflowJob struct {
	job *df.Job

	folder     string // on gs://, of this job alone
	program    string // of the workers; local
	programURI string
	model      []byte // the pipeline
	modelURI   string
}

// prepare makes a job. Nothing is sent for it.
func (d dataflowEngine) prepare(ctx context.Context, j job) (*dataflowJob, error) {
	name := jobName(j.name)
	s := &dataflowJob{folder: storage.Join(d.options.StagingLocation, name)}
	s.programURI, s.modelURI = storage.Join(s.folder, "worker"), storage.Join(s.folder, "model") // boot asks for a file of the name worker
	var err error
	if s.program, err = d.program(); err != nil {
		return nil, err
	}
	programSum, _, err := storage.SHA256(ctx, s.program)
	if err != nil {
		return nil, failure.New(failure.Engine, "read the program for workers: %w", err)
	}
	pipeline, err := d.model(ctx, j, s.programURI, programSum)
	if err != nil {
		return nil, failure.New(failure.Engine, "describe the pipeline: %w", err)
	}
	if s.model, err = proto.Marshal(pipeline); err != nil {
		return nil, failure.New(failure.Engine, "describe the pipeline: %w", err)
	}
	options := d.jobOptions(j, s.folder)
	options.WorkerHash = programSum
	modelSum := sha256.Sum256(s.model)
	s.job, err = dataflowlib.Translate(ctx, pipeline, options, s.programURI, s.modelURI, hex.EncodeToString(modelSum[:]))
	if err != nil {
		return nil, failure.New(failure.Config, "runner.dataflow: %w", err)
	}
	s.job.ClientRequestId = name // so that a request that is repeated makes no second job
	return s, nil
}

// model describes the pipeline, whose workers run the program at the URI.
func (d dataflowEngine) model(ctx context.Context, j job, programURI, sum string) (*pipepb.Pipeline, error) {
	model, err := marshal(ctx, j.pipeline, environment{urn: dockerURN, config: d.options.Image})
	if err != nil {
		return nil, err
	}
	program, err := proto.Marshal(&pipepb.ArtifactUrlPayload{Url: programURI, Sha256: sum})
	if err != nil {
		return nil, err
	}
	return model, graphx.UpdateDefaultEnvWorkerType(graphx.URNArtifactURLType, program, model)
}

// portableExperiments are what the service needs to know for a pipeline of Beam's Go SDK.
var portableExperiments = []string{"beam_fn_api", "use_runner_v2", "use_unified_worker", "use_portable_job_submission"}

// jobOptions are the options in Beam's terms. Of Beam's flags, only --experiments travel.
func (d dataflowEngine) jobOptions(j job, folder string) *dataflowlib.JobOptions {
	o := d.options
	experiments := jobopts.GetExperiments()
	for _, needed := range portableExperiments {
		if !slices.Contains(experiments, needed) {
			experiments = append(experiments, needed)
		}
	}
	return &dataflowlib.JobOptions{
		Name:                   jobName(j.name),
		Experiments:            experiments,
		DataflowServiceOptions: o.ServiceOptions,
		Project:                o.Project,
		Region:                 o.Region,
		Network:                o.Network,
		Subnetwork:             o.Subnetwork,
		NoUsePublicIPs:         !o.PublicIPs,
		NumWorkers:             int64(d.workers),
		MaxNumWorkers:          int64(max(o.MaxWorkers, d.workers)),
		DiskSizeGb:             d.diskGB(j.diskBytes),
		MachineType:            o.MachineType,
		Labels:                 o.Labels,
		ServiceAccountEmail:    o.ServiceAccount,
		ContainerImage:         o.Image,
		TempLocation:           storage.Join(folder, "tmp"),

		// One bundle at a time: it keeps all cores busy through hyperd, and what a worker
		// needs of memory and disk does not depend on the machine.
		WorkerHarnessThreads: 1,
	}
}

// json is the job as it is sent, for people.
func (s *dataflowJob) json() ([]byte, error) {
	sent, err := s.job.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, sent, "", "  "); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSpace(indented.String()) + "\n"), nil
}
