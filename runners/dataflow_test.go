package runners_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/runners"
	"hyperlake/runners/dataflowtest"
	"hyperlake/runners/engine"
	"hyperlake/runners/options"
)

// program writes the smallest file that passes for a program for workers.
func program(t *testing.T) string {
	var content bytes.Buffer
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
	}
	require.NoError(t, binary.Write(&content, binary.LittleEndian, header))
	path := filepath.Join(t.TempDir(), "hyperlake-worker")
	require.NoError(t, os.WriteFile(path, content.Bytes(), 0o755))
	return path
}

// onDataflow is a run with every option, against the fake.
func onDataflow(t *testing.T, service *dataflowtest.Service) runners.Options {
	return runners.Options{
		Name: "dataflow", JobName: "hyperlake-20260102T030405Z-abcdef12", Parallelism: 4, Args: []string{"--experiments=shuffle_mode=auto"},
		Dataflow: options.Dataflow{
			Project: dataflowtest.Project, Region: dataflowtest.Region, StagingLocation: service.Storage.Bucket + "/staging/dataflow",
			Image: "europe-docker.pkg.dev/lake-project/images/hyperlake:1", WorkerBinary: program(t), MachineType: "e2-standard-4", MaxWorkers: 6,
			ServiceAccount: "worker@lake-project.iam.gserviceaccount.com", Network: "lake", Subnetwork: "regions/europe-west1/subnetworks/lake",
			Labels:         map[string]string{"hyperlake-run": "20260102t030405z-abcdef12", "hyperlake-name": "sales", "team": "lake"},
			ServiceOptions: []string{"enable_prime", "min_num_workers=2"}, Endpoint: service.URL,
		},
	}
}

// runOnDataflow runs a small pipeline, and returns what people were told.
func runOnDataflow(t *testing.T, ctx context.Context, options runners.Options, progress func(map[string]int64)) (said string, err error) { //nolint:revive // t comes first
	t.Helper()
	var log lockedBuffer
	options.Log = slog.New(slog.NewTextHandler(&log, nil))
	runner, err := runners.New(options)
	require.NoError(t, err)
	err = runner.Run(ctx, engine.Job{Build: work(workFn{Rows: 1}), DiskBytes: 100<<30 + 1, Progress: progress})
	return log.String(), err
}

type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// requireUnstaged checks that nothing of the job stays on staging.
func requireUnstaged(t *testing.T, service *dataflowtest.Service) {
	t.Helper()
	store, err := storage.For(service.Storage.Bucket)
	require.NoError(t, err)
	left, err := store.Glob(t.Context(), service.Storage.Bucket+"/staging/**")
	require.NoError(t, err)
	assert.Empty(t, left)
}

// checksums are what differs from one machine to the next.
var checksums = regexp.MustCompile(`[0-9a-f]{64}`)

// requireGolden compares a text with a file of testdata. UPDATE_GOLDEN=1 writes it anew.
func requireGolden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}

func TestTheWholeJobOfDataflow(t *testing.T) {
	const canary = "canary-of-the-token"
	t.Setenv("tab_pat_name", canary+"-name")
	t.Setenv("tab_secret_id", canary+"-secret")
	service := dataflowtest.Start(t)
	staged := map[string][]byte{}
	service.HaveWork(func(ctx context.Context, _ []byte) error {
		store, err := storage.For(service.Storage.Bucket)
		require.NoError(t, err)
		for _, object := range must(store.Glob(ctx, service.Storage.Bucket+"/**")) {
			staged[object.URI] = must(store.Get(ctx, object.URI))
		}
		return nil
	})
	options := onDataflow(t, service)
	said, err := runOnDataflow(t, t.Context(), options, nil)
	require.NoError(t, err)

	jobs := service.Jobs()
	require.Len(t, jobs, 1)
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, bytes.TrimSpace(jobs[0].Sent), "", "  "))
	requireGolden(t, "dataflow_job.json", checksums.ReplaceAllString(indented.String(), "SHA256")+"\n")

	folder := service.Storage.Bucket + "/staging/dataflow/hyperlake-20260102t030405z-abcdef12/"
	require.Len(t, staged, 2, "the program and the model")
	assert.Equal(t, must(os.ReadFile(options.Dataflow.WorkerBinary)), staged[folder+"worker"])
	var model pipepb.Pipeline
	require.NoError(t, proto.Unmarshal(staged[folder+"model"], &model))
	requireOneEnvironment(t, &model, options.Dataflow.Image, folder+"worker")
	requireUnstaged(t, service)
	assert.Contains(t, said, "https://console.cloud.google.com/dataflow/jobs/europe-west1/"+jobs[0].ID+"?project=lake-project")

	var arrived bytes.Buffer
	for _, request := range service.Requests() {
		require.NoError(t, json.NewEncoder(&arrived).Encode(request.Header))
		arrived.WriteString(request.Path)
		arrived.Write(request.Body)
	}
	for uri, content := range staged {
		arrived.WriteString(uri)
		arrived.Write(content)
	}
	require.Contains(t, arrived.String(), "enable_prime", "the search finds what is there")
	requireNowhere(t, arrived.String()+said, canary)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// requireNowhere looks for a text as it is, and in base 64 at any offset.
func requireNowhere(t *testing.T, where, text string) {
	t.Helper()
	assert.NotContains(t, where, text)
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + text))
		inner := encoded[(before*8+5)/6 : len(encoded)-1] // without characters that depend on what is around
		assert.NotContains(t, where, inner)
	}
}

// requireOneEnvironment checks what workers are.
func requireOneEnvironment(t *testing.T, model *pipepb.Pipeline, image, programURI string) {
	t.Helper()
	environments := model.GetComponents().GetEnvironments()
	require.Len(t, environments, 1)
	for _, environment := range environments {
		assert.Equal(t, "beam:env:docker:v1", environment.GetUrn())
		var container pipepb.DockerPayload
		require.NoError(t, proto.Unmarshal(environment.GetPayload(), &container))
		assert.Equal(t, image, container.GetContainerImage())
		require.Len(t, environment.GetDependencies(), 1)
		var artifact pipepb.ArtifactUrlPayload
		require.NoError(t, proto.Unmarshal(environment.GetDependencies()[0].GetTypePayload(), &artifact))
		assert.Equal(t, programURI, artifact.GetUrl())
		assert.Regexp(t, checksums, artifact.GetSha256())
	}
}

func TestDescribeSendsNothing(t *testing.T) {
	service := dataflowtest.Start(t)
	options := onDataflow(t, service)
	runner, err := runners.New(options)
	require.NoError(t, err)
	job, err := runner.Describe(t.Context(), engine.Job{Build: work(workFn{Rows: 1}), DiskBytes: 100<<30 + 1})
	require.NoError(t, err)
	requireGolden(t, "dataflow_job.json", checksums.ReplaceAllString(string(job), "SHA256"))
	assert.Empty(t, service.Requests())
	for _, operation := range []storagetest.Operation{storagetest.List, storagetest.Stat, storagetest.Read, storagetest.Write, storagetest.Delete} {
		assert.Zero(t, service.Storage.Count(operation), operation)
	}
}

func TestOnlyDataflowHasAJobToShow(t *testing.T) {
	runner, err := runners.New(runners.Options{Name: "direct", JobName: jobName()})
	require.NoError(t, err)
	_, err = runner.Describe(t.Context(), engine.Job{Build: work(workFn{})})
	require.ErrorContains(t, err, "the runner direct has no job to show")
}

func TestDataflowIsFollowed(t *testing.T) {
	service := dataflowtest.Start(t)
	service.Script(
		dataflowtest.Step{State: dataflowtest.Pending, Messages: []dataflowtest.Message{{Importance: dataflowtest.Basic, Text: "Worker configuration: e2-standard-4"}}},
		dataflowtest.Step{State: dataflowtest.Running, Counters: map[string]int64{"rows_read": 3}, Tentative: map[string]int64{"rows_read": 7},
			Messages: []dataflowtest.Message{{Importance: dataflowtest.Detailed, Text: "of no interest"}, {Importance: dataflowtest.Error, Text: "a worker\nwas lost"}}},
		dataflowtest.Step{State: dataflowtest.Running, Counters: map[string]int64{"rows_read": 9}},
		dataflowtest.Step{State: dataflowtest.Done, Counters: map[string]int64{"rows_read": 11}},
	)
	service.Inject(dataflowtest.Fault{Method: "GET", Path: "/jobs/", Times: 2, Status: 503, Message: "not now"})
	var seen []int64
	said, err := runOnDataflow(t, t.Context(), onDataflow(t, service), func(counts map[string]int64) {
		if n := counts["rows_read"]; len(seen) == 0 || seen[len(seen)-1] != n {
			seen = append(seen, n)
		}
	})
	require.NoError(t, err)
	assert.Equal(t, []int64{0, 7, 9, 11}, seen)
	for text, times := range map[string]int{
		"state=JOB_STATE_PENDING": 1, "state=JOB_STATE_RUNNING": 1, "state=JOB_STATE_DONE": 1,
		`level=INFO msg="Dataflow: Worker configuration: e2-standard-4"`: 1, `level=WARN msg="Dataflow: a worker was lost"`: 1, "of no interest": 0,
	} {
		assert.Equal(t, times, strings.Count(said, text), "%s in %s", text, said)
	}
}

func TestAJobThatFailsOnDataflow(t *testing.T) {
	ours := failure.Encode(failure.New(failure.Data, "row 7 is odd").WithHint("mend it"), failure.Engine).Error()
	const end = "Workflow failed. Causes: the job failed because a work item has failed 4 times."
	for name, test := range map[string]struct {
		messages      []string
		kind          failure.Kind
		message, hint string
	}{
		"ours wins":       {[]string{"a machine was lost", "Error message from worker: bundle failed\n\tcaused by:\n" + ours, end}, failure.Data, "row 7 is odd", "mend it"},
		"first and last":  {[]string{"Startup of the worker pool failed:\n no such image", "the same again", end}, failure.Engine, "failed on Dataflow: Startup of the worker pool failed: no such image; " + end, "see https://console.cloud.google.com/"},
		"a single one":    {[]string{end}, failure.Engine, "failed on Dataflow: " + end, "see https://"},
		"without a cause": {nil, failure.Engine, "failed on Dataflow: it does not say why", "see https://"},
	} {
		t.Run(name, func(t *testing.T) {
			service := dataflowtest.Start(t)
			step := dataflowtest.Step{State: dataflowtest.Failed}
			for _, text := range test.messages {
				step.Messages = append(step.Messages, dataflowtest.Message{Importance: dataflowtest.Error, Text: text})
			}
			service.Script(dataflowtest.Step{State: dataflowtest.Running}, step)
			_, err := runOnDataflow(t, t.Context(), onDataflow(t, service), nil)
			failed := failure.Of(err, failure.Usage)
			require.NotNil(t, failed)
			assert.Equal(t, test.kind, failed.Kind)
			assert.Contains(t, failed.Message, test.message)
			assert.Contains(t, failed.Hint, test.hint)
			requireUnstaged(t, service)
		})
	}
}

func TestAJobThatSomebodyCancelled(t *testing.T) {
	service := dataflowtest.Start(t)
	service.Script(dataflowtest.Step{State: dataflowtest.Running}, dataflowtest.Step{State: dataflowtest.Cancelled})
	_, err := runOnDataflow(t, t.Context(), onDataflow(t, service), nil)
	require.ErrorContains(t, err, "the job was cancelled on the engine")
}

func TestAnInterruptCancelsTheJobOnDataflow(t *testing.T) {
	service := dataflowtest.Start(t)
	service.Script(dataflowtest.Step{State: dataflowtest.Running})
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	progress := func(map[string]int64) { cancel(stop) }
	started := time.Now()
	service.Inject(dataflowtest.Fault{Method: "PUT", Times: 1, Status: 503, Message: "not now"})
	said, err := runOnDataflow(t, ctx, onDataflow(t, service), progress)
	require.ErrorIs(t, err, stop)
	assert.Less(t, time.Since(started), time.Minute)
	assert.Contains(t, said, "the job is being cancelled")
	require.Len(t, service.Jobs(), 1)
	assert.Equal(t, dataflowtest.Cancelled, service.Jobs()[0].State)
	requireUnstaged(t, service)
}

func TestAJobThatCannotBeCancelledKeepsItsProgram(t *testing.T) {
	service := dataflowtest.Start(t)
	service.Script(dataflowtest.Step{State: dataflowtest.Running})
	service.Inject(dataflowtest.Fault{Method: "PUT", Status: 403, Message: "you may not"})
	ctx, cancel := context.WithCancel(t.Context())
	said, err := runOnDataflow(t, ctx, onDataflow(t, service), func(map[string]int64) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	assert.Contains(t, said, "the job may go on; cancel it in the console")
	assert.Contains(t, said, "you may not")
	store, err := storage.For(service.Storage.Bucket)
	require.NoError(t, err)
	assert.Len(t, must(store.Glob(t.Context(), service.Storage.Bucket+"/staging/**")), 2)
}

// A job that cannot be followed has a result that nobody reads.
func TestAJobThatCannotBeFollowedIsCancelled(t *testing.T) {
	service := dataflowtest.Start(t)
	service.Script(dataflowtest.Step{State: dataflowtest.Running})
	service.Inject(dataflowtest.Fault{Method: "GET", Path: "/jobs/", Times: 1, Status: 403, Message: "you may not"})
	said, err := runOnDataflow(t, t.Context(), onDataflow(t, service), nil)
	require.ErrorContains(t, err, "ask for the state of the job: Dataflow refused it with status 403: you may not")
	assert.Contains(t, said, "the job is being cancelled")
	assert.Equal(t, dataflowtest.Cancelled, service.Jobs()[0].State)
	requireUnstaged(t, service)
}

// An interrupt while the job is being made must not leave one that nobody knows.
func TestAnInterruptWhileTheJobIsMade(t *testing.T) {
	service := dataflowtest.Start(t)
	service.Script(dataflowtest.Step{State: dataflowtest.Running})
	service.Inject(dataflowtest.Fault{Method: "POST", Path: "/jobs", Times: 2, Status: 503, Message: "not now"})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			for _, request := range service.Requests() {
				if strings.HasSuffix(request.Path, "/jobs?alt=json&prettyPrint=false") {
					cancel()
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	_, err := runOnDataflow(t, ctx, onDataflow(t, service), nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, service.Jobs(), 1)
	assert.Equal(t, dataflowtest.Cancelled, service.Jobs()[0].State)
}

func TestARequestThatIsRepeatedMakesNoSecondJob(t *testing.T) {
	service := dataflowtest.Start(t)
	service.Inject(dataflowtest.Fault{Method: "POST", Path: "/jobs", Times: 1, Lose: true})
	_, err := runOnDataflow(t, t.Context(), onDataflow(t, service), nil)
	require.NoError(t, err)
	require.Len(t, service.Jobs(), 1)
	assert.Equal(t, dataflowtest.Done, service.Jobs()[0].State)
}

// A run whose first job left something open sends a second one, which is another job.
func TestTwoJobsOfOneRunner(t *testing.T) {
	service := dataflowtest.Start(t)
	runner, err := runners.New(onDataflow(t, service))
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, runner.Run(t.Context(), engine.Job{Build: work(workFn{Rows: 1})}))
	}
	assert.Len(t, service.Jobs(), 2)
	requireUnstaged(t, service)
}

func TestDataflowRefusesAJob(t *testing.T) {
	for name, test := range map[string]struct {
		fault         dataflowtest.Fault
		message, hint string
	}{
		"forbidden": {dataflowtest.Fault{Status: 403, Message: "The caller does not have permission"}, "status 403: The caller does not have permission", "Dataflow Developer"},
		"quota":     {dataflowtest.Fault{Status: 403, Message: "Quota exceeded for CPUS"}, "status 403: Quota exceeded for CPUS", "iam-admin/quotas?project=lake-project"},
		"invalid":   {dataflowtest.Fault{Status: 400, Message: "The zone is gone"}, "status 400: The zone is gone", "--dry-run"},
		"not found": {dataflowtest.Fault{Status: 404, Message: "no such project"}, "status 404: no such project", "runner.dataflow.project (lake-project)"},
		"same name": {dataflowtest.Fault{Status: 409, Message: "already active"}, "status 409: already active", "runner.dataflow"},
	} {
		t.Run(name, func(t *testing.T) {
			service := dataflowtest.Start(t)
			test.fault.Method, test.fault.Path = "POST", "/jobs"
			service.Inject(test.fault)
			_, err := runOnDataflow(t, t.Context(), onDataflow(t, service), nil)
			failed := failure.Of(err, failure.Usage)
			require.NotNil(t, failed)
			assert.Equal(t, failure.Engine, failed.Kind)
			assert.Contains(t, failed.Message, "make the job: Dataflow refused it with "+test.message)
			assert.Contains(t, failed.Hint, test.hint)
			requireUnstaged(t, service)
		})
	}
}

func TestDataflowIsWaitedFor(t *testing.T) {
	service := dataflowtest.Start(t)
	service.Inject(dataflowtest.Fault{Method: "POST", Path: "/jobs", Times: 1, Status: 429, Message: "Quota exceeded: jobs per minute"})
	service.Inject(dataflowtest.Fault{Method: "POST", Path: "/jobs", Times: 1, Status: 503, Message: "not now"})
	_, err := runOnDataflow(t, t.Context(), onDataflow(t, service), nil)
	require.NoError(t, err)
	assert.Len(t, service.Jobs(), 1)
}
