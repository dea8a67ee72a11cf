package runners_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/runners"
	"hyperlake/runners/dataflowtest"
	"hyperlake/runners/options"
)

func TestDataflowIsReady(t *testing.T) {
	service := dataflowtest.Start(t)
	options := onDataflow(t, service)
	runner, err := runners.New(options)
	require.NoError(t, err)
	found := map[string]string{}
	for _, check := range runner.Checks() {
		found[check.Name], err = check.Run(t.Context())
		require.NoError(t, err, check.Name)
	}
	assert.Equal(t, map[string]string{
		"program for workers": options.Dataflow.WorkerBinary,
		"Google credentials":  "give a token",
		"staging location":    "gs://lake/staging/dataflow",
		"Dataflow":            "answers for project lake-project in europe-west1",
	}, found)
	assert.Empty(t, service.Jobs())
}

func TestDataflowIsNotReady(t *testing.T) {
	for name, test := range map[string]struct {
		spoil         func(t *testing.T, service *dataflowtest.Service, options *options.Dataflow)
		message, hint string
	}{
		"no program": {func(t *testing.T, _ *dataflowtest.Service, options *options.Dataflow) {
			options.WorkerBinary = filepath.Join(t.TempDir(), "none")
		}, "no such file", "set runner.dataflow.worker_binary"},
		"no credentials": {func(t *testing.T, _ *dataflowtest.Service, _ *options.Dataflow) {
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none"))
		}, "no usable Google credentials: ", "gcloud auth application-default login"},
		"a revoked key": {func(t *testing.T, _ *dataflowtest.Service, _ *options.Dataflow) {
			revoked := readKey(t)
			dataflowtest.Start(t) // it takes another key
			revoked["token_uri"] = readKey(t)["token_uri"]
			content, err := json.Marshal(revoked)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(os.Getenv("GOOGLE_APPLICATION_CREDENTIALS"), content, 0o600))
		}, "no usable Google credentials: ", "GOOGLE_APPLICATION_CREDENTIALS"},
		"no bucket": {func(_ *testing.T, _ *dataflowtest.Service, options *options.Dataflow) {
			options.StagingLocation = "gs://none/staging"
		}, "staging location gs://none/staging: ", "hyperlake does not create buckets"},
		"another region": {func(_ *testing.T, _ *dataflowtest.Service, options *options.Dataflow) {
			options.Region = "mars-north1"
		}, "Dataflow refused it with status 404: Unknown region mars-north1", "runner.dataflow.region (mars-north1)"},
		"another project": {func(_ *testing.T, _ *dataflowtest.Service, options *options.Dataflow) {
			options.Project = "other"
		}, "Dataflow refused it with status 403: The caller does not have permission", "enable the Dataflow API in the project other"},
	} {
		t.Run(name, func(t *testing.T) {
			service := dataflowtest.Start(t)
			options := onDataflow(t, service)
			test.spoil(t, service, &options.Dataflow)
			runner, err := runners.New(options)
			require.NoError(t, err)
			failed := failure.Of(runner.Check(t.Context()), failure.Usage)
			require.NotNil(t, failed)
			assert.Contains(t, failed.Message, test.message)
			assert.Contains(t, failed.Hint, test.hint)
			assert.Empty(t, service.Jobs())
		})
	}
}

// readKey reads the credentials of the environment.
func readKey(t *testing.T) (key map[string]string) {
	content, err := os.ReadFile(os.Getenv("GOOGLE_APPLICATION_CREDENTIALS"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &key))
	return key
}
