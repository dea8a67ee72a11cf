//go:build faults

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/runners/dataflowtest"
	"hyperlake/runners/prismtest"
)

// machines stand for those that Dataflow would start: they run a pipeline as it was staged,
// each worker a process of the program that was staged.
type machines struct {
	fnpb.UnimplementedBeamFnExternalWorkerPoolServer
	t        *testing.T
	endpoint string // of the job service of Prism
	program  string

	mu      sync.Mutex
	workers map[string]*exec.Cmd
}

// work is what they do: it runs the pipeline on Prism.
func (m *machines) work(ctx context.Context, model []byte) error {
	var pipeline pipepb.Pipeline
	if err := proto.Unmarshal(model, &pipeline); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	defer server.Stop()
	fnpb.RegisterBeamFnExternalWorkerPoolServer(server, m)
	go func() { _ = server.Serve(listener) }()
	external, err := proto.Marshal(&pipepb.ExternalPayload{Endpoint: &pipepb.ApiServiceDescriptor{Url: listener.Addr().String()}})
	if err != nil {
		return err
	}
	for _, environment := range pipeline.GetComponents().GetEnvironments() {
		if err := m.install(ctx, environment); err != nil {
			return err
		}
		environment.Urn, environment.Payload = "beam:env:external:v1", external
	}
	defer m.stopAll()
	_, err = runnerlib.Execute(ctx, &pipeline, m.endpoint, &runnerlib.JobOptions{Name: "staged", Worker: m.program}, false)
	return err
}

// install fetches the program that was staged for an environment.
func (m *machines) install(ctx context.Context, environment *pipepb.Environment) error {
	var artifact pipepb.ArtifactUrlPayload
	if err := proto.Unmarshal(environment.GetDependencies()[0].GetTypePayload(), &artifact); err != nil {
		return err
	}
	store, err := storage.For(artifact.GetUrl())
	if err != nil {
		return err
	}
	info, err := store.Stat(ctx, artifact.GetUrl())
	if err != nil {
		return err
	}
	m.program = filepath.Join(m.t.TempDir(), "worker")
	if err := storage.Download(ctx, info, m.program); err != nil {
		return err
	}
	return os.Chmod(m.program, 0o755)
}

// StartWorker starts the program as Beam's boot does.
func (m *machines) StartWorker(_ context.Context, request *fnpb.StartWorkerRequest) (*fnpb.StartWorkerResponse, error) {
	cmd := program(m.t, m.t.TempDir(), nil, "--worker=true", "--id="+request.GetWorkerId(),
		"--logging_endpoint="+request.GetLoggingEndpoint().GetUrl(), "--control_endpoint="+request.GetControlEndpoint().GetUrl())
	cmd.Path = m.program
	m.mu.Lock()
	defer m.mu.Unlock()
	m.workers[request.GetWorkerId()] = cmd
	return &fnpb.StartWorkerResponse{}, cmd.Start()
}

func (m *machines) stopAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, worker := range m.workers {
		_ = worker.Process.Kill()
		_ = worker.Wait()
	}
}

// dataflowConfig writes a configuration of the sample lake, which is in a bucket. Its
// rule has the words that a test adds.
func dataflowConfig(t *testing.T, service *dataflowtest.Service, folder, rule string) {
	files, err := filepath.Glob("../../testdata/lake/lineitem/*.parquet")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		_, err := storage.Upload(t.Context(), file, storage.Join(service.Storage.Bucket, "lake", filepath.Base(file)), storage.Any())
		require.NoError(t, err)
	}
	config := map[string]any{
		"name": "items", "staging": storage.Join(service.Storage.Bucket, "staging"),
		"tables": []any{map[string]any{
			"source": map[string]any{"uri": storage.Join(service.Storage.Bucket, "lake/*.parquet")},
			"rules":  []any{map[string]any{"column": "l_quantity", "max": 40, "on_fail": rule}},
		}},
		"runner": map[string]any{"parallelism": 2, "dataflow": map[string]any{
			"project": dataflowtest.Project, "region": dataflowtest.Region, "image": "example.org/hyperlake:1", "endpoint": service.URL,
			"worker_binary": must(os.Executable()),
		}},
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "items.yaml"), must(json.Marshal(config)), 0o600))
}

// runs runs the program and returns what it printed and said.
func runs(t *testing.T, folder string, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var printed, said bytes.Buffer
	cmd := program(t, folder, nil, args...)
	cmd.Stdout, cmd.Stderr = &printed, &said
	_ = cmd.Run() // the exit code is compared
	require.Equal(t, code, cmd.ProcessState.ExitCode(), said.String())
	return printed.String(), said.String()
}

// A pipeline and a program that were staged for Dataflow make the extract that one process makes.
func TestWhatIsStagedForDataflowMakesTheExtract(t *testing.T) {
	service := dataflowtest.Start(t)
	folder := t.TempDir()
	dataflowConfig(t, service, folder, "reject")
	m := &machines{t: t, endpoint: prismtest.Start(t).Endpoint, workers: map[string]*exec.Cmd{}}
	service.HaveWork(m.work)
	runs(t, folder, 0, "generate", "items.yaml", "--set", "output.path=direct.hyper")
	_, said := runs(t, folder, 0, "generate", "items.yaml", "--runner", "dataflow", "--set", "output.path=dataflow.hyper", "--report", "report.json")

	var extracts [2][]string
	for i, name := range []string{"direct.hyper", "dataflow.hyper"} {
		csv, _ := runs(t, folder, 0, "sql", name, `select * from "Extract"."Extract"`, "--csv")
		extracts[i] = strings.Split(csv, "\n")
		slices.Sort(extracts[i])
	}
	assert.Greater(t, len(extracts[0]), 100)
	assert.Equal(t, extracts[0], extracts[1])
	assert.NotEmpty(t, m.workers)
	assert.Contains(t, said, "state=JOB_STATE_DONE")
	assert.Contains(t, string(must(os.ReadFile(filepath.Join(folder, "report.json")))), `"runner": "dataflow"`)
	store := must(storage.For(service.Storage.Bucket))
	for _, swept := range []string{"staging/20*/**", "staging/dataflow/**"} { // of the run, of the job
		assert.Empty(t, must(store.Glob(t.Context(), storage.Join(service.Storage.Bucket, swept))))
	}
}

func TestARuleThatBreaksOnDataflow(t *testing.T) {
	service := dataflowtest.Start(t)
	folder := t.TempDir()
	dataflowConfig(t, service, folder, "fail")
	service.HaveWork((&machines{t: t, endpoint: prismtest.Start(t).Endpoint, workers: map[string]*exec.Cmd{}}).work)
	_, said := runs(t, folder, 3, "generate", "items.yaml", "--runner", "dataflow")
	assert.Contains(t, said, `hyperlake: rule "l_quantity <= 40" is broken: column l_quantity, file gs://lake/lake/`)
	assert.NoFileExists(t, filepath.Join(folder, "items.hyper"))
}

func TestAnInterruptCancelsOnDataflow(t *testing.T) {
	service := dataflowtest.Start(t)
	folder := t.TempDir()
	dataflowConfig(t, service, folder, "reject")
	service.Script(dataflowtest.Step{State: dataflowtest.Running})
	var said bytes.Buffer
	never := must(exec.LookPath("true")) // any program does, for it never runs
	cmd := program(t, folder, nil, "generate", "items.yaml", "--runner", "dataflow", "--set", "runner.dataflow.worker_binary="+never)
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	require.Eventually(t, func() bool { return len(service.Jobs()) == 1 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	interrupted := time.Now()
	_ = cmd.Wait()
	assert.Equal(t, 130, cmd.ProcessState.ExitCode(), said.String())
	assert.Less(t, time.Since(interrupted), time.Minute)
	assert.Contains(t, said.String(), "the job is being cancelled")
	assert.Equal(t, dataflowtest.Cancelled, service.Jobs()[0].State)
}

func TestDryRunPrintsTheJob(t *testing.T) {
	service := dataflowtest.Start(t)
	folder := t.TempDir()
	dataflowConfig(t, service, folder, "reject")
	writes := service.Storage.Count(storagetest.Write)
	printed, _ := runs(t, folder, 0, "run", "items.yaml", "--runner", "dataflow", "--dry-run", "--set", "runner.dataflow.service_options=[enable_prime]")
	var job struct {
		Name, ProjectID string
		Labels          map[string]string
		Environment     struct {
			ServiceOptions []string
			WorkerPools    []struct{ DiskSizeGb, NumWorkers int }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(printed), &job))
	assert.Equal(t, dataflowtest.Project, job.ProjectID)
	assert.Equal(t, "items", job.Labels["hyperlake-name"])
	assert.Equal(t, job.Name, "hyperlake-items-"+job.Labels["hyperlake-run"])
	assert.Equal(t, []string{"enable_prime"}, job.Environment.ServiceOptions)
	require.Len(t, job.Environment.WorkerPools, 1)
	assert.Equal(t, 2, job.Environment.WorkerPools[0].NumWorkers)
	assert.Equal(t, 32, job.Environment.WorkerPools[0].DiskSizeGb, "30 for the system, and a spool of 1.5 GB with a margin")
	assert.Empty(t, service.Requests())
	assert.Equal(t, writes, service.Storage.Count(storagetest.Write))
	assert.Len(t, must(os.ReadDir(folder)), 1, "only the configuration")

	_, said := runs(t, folder, 2, "run", "items.yaml", "--dry-run")
	assert.Contains(t, said, "hyperlake: the runner direct has no job to show; Dataflow's has; `hyperlake plan` shows what a run would do")
}
