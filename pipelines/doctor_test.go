package pipelines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/doctor"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// diagnose runs the checks of a configuration, and returns what they found by name.
func diagnose(t *testing.T, cfg *config.Config) map[string]doctor.Finding {
	t.Helper()
	found := map[string]doctor.Finding{}
	for _, finding := range doctor.Diagnose(t.Context(), pipelines.Diagnosis(cfg)) {
		found[finding.Check] = finding
	}
	return found
}

const remoteDoctorConfig = `
name: far
staging: %[1]s/staging
output: {path: %[1]s/out/far.hyper}
tables:
  - source: {uri: "%[1]s/lake/orders/*.parquet"}
`

func TestDoctorOnRemoteStorage(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	runtest.UploadLake(t, bucket)
	before := storagetest.Names(t, bucket)
	found := diagnose(t, runtest.Configure(t, t.TempDir(), fmt.Sprintf(remoteDoctorConfig, bucket)))
	require.Len(t, found, 7)
	for name, finding := range found {
		assert.Equal(t, doctor.CheckOK, finding.Status, "%s: %s", name, finding.Found)
	}
	assert.Equal(t, "gs://lake/staging can be written, read and removed from", found["staging"].Found)
	assert.Equal(t, "gs://lake/out/ can be written, read and removed from", found["output"].Found)
	assert.Contains(t, found["source of Extract.Extract"].Found, "the footer of gs://lake/lake/orders/orders.1.parquet can be read (15,000 rows)")
	store, err := storage.For(bucket)
	require.NoError(t, err)
	listed, err := store.List(t.Context(), bucket)
	require.NoError(t, err)
	assert.Len(t, listed, len(before), "nothing stays")
}

func TestDoctorSaysWhatIsMissingOnRemoteStorage(t *testing.T) {
	cases := map[string]struct {
		fault storagetest.Fault
		check string
		found string
		hint  string
	}{
		"staging cannot be written":    {storagetest.Fault{On: storagetest.Write, Name: "staging/", Status: 403}, "staging", "gs://lake/staging/", "Storage Object User"},
		"staging cannot be read":       {storagetest.Fault{On: storagetest.Read, Name: "staging/", Status: 403}, "staging", "gs://lake/staging/", "Storage Object Viewer"},
		"staging cannot be removed":    {storagetest.Fault{On: storagetest.Delete, Name: "staging/", Status: 403}, "staging", "gs://lake/staging/", "Storage Object User"},
		"the output cannot be written": {storagetest.Fault{On: storagetest.Write, Name: "out/", Status: 403}, "output", "gs://lake/out/", "Storage Object User"},
		"the lake cannot be listed":    {storagetest.Fault{On: storagetest.List, Name: "lake/", Status: 403}, "source of Extract.Extract", "gs://lake/lake/orders", "Storage Object Viewer"},
		"the lake cannot be read":      {storagetest.Fault{On: storagetest.Read, Name: "lake/", Status: 403}, "source of Extract.Extract", "orders.1.parquet", "Storage Object Viewer"},
		"no credentials":               {storagetest.Fault{On: storagetest.List, Name: "lake/", Status: 401}, "source of Extract.Extract", "no usable Google credentials", "GOOGLE_APPLICATION_CREDENTIALS"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			runtest.UploadLake(t, bucket)
			faults.Inject(c.fault)
			for check, finding := range diagnose(t, runtest.Configure(t, t.TempDir(), fmt.Sprintf(remoteDoctorConfig, bucket))) {
				isOfLake := check == "plan" && strings.HasPrefix(c.check, "source")
				if check != c.check && !isOfLake {
					assert.Equal(t, doctor.CheckOK, finding.Status, "%s: %s", check, finding.Found)
					continue
				}
				assert.Equal(t, doctor.CheckFailed, finding.Status)
				assert.Contains(t, finding.Found, c.found)
				assert.Contains(t, finding.Hint, c.hint)
			}
		})
	}
}

func TestDoctorOnABucketThatIsMissing(t *testing.T) {
	storagetest.FakeGCS(t)
	found := diagnose(t, runtest.Configure(t, t.TempDir(), fmt.Sprintf(remoteDoctorConfig, "gs://nobody")))
	for _, check := range []string{"staging", "output", "source of Extract.Extract"} {
		assert.Equal(t, doctor.CheckFailed, found[check].Status)
		assert.Contains(t, found[check].Found, "the bucket nobody does not exist")
		assert.Contains(t, found[check].Hint, "check the name of the bucket")
	}
}

// The folders that a run would make are not made.
func TestDoctorMakesNoFolders(t *testing.T) {
	folder := t.TempDir()
	cfg := runtest.Configure(t, folder, runtest.SampleConfig+"staging: deep/staging\noutput: {path: far/away/x.hyper}\n")
	found := diagnose(t, cfg)
	runtest.RequireOnly(t, folder, "config.yaml")
	assert.Contains(t, found["staging"].Found, folder+" can be written")
	assert.Contains(t, found["staging"].Found, "where a run makes "+filepath.Join(folder, "deep", "staging"))
	assert.Equal(t, doctor.CheckOK, found["output"].Status)
	assert.Equal(t, doctor.CheckOK, found["source of other.orders"].Status)
}

// Looking leaves the server as it was.
func TestDoctorChangesNothingOnTheServer(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	found := diagnose(t, s.Config("create_project: true"))
	assert.Equal(t, doctor.CheckOK, found["publish"].Status, found["publish"].Found)
	cfg := s.Config("create_project: true")
	cfg.Publish.Project = "Sales/New"
	for range 2 {
		assert.Contains(t, diagnose(t, cfg)["publish"].Found, "project Sales/New would be created")
	}
	runtest.RequireOnly(t, s.Folder, "config.yaml", "lake")
}

func TestDoctorDoesNotWaitForAServerThatIsIll(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"))
	s.Inject(tableautest.Fault{Path: "/serverInfo", Status: 503, Times: -1})
	finding := diagnose(t, s.Config(""))["publish"]
	assert.Equal(t, doctor.CheckFailed, finding.Status)
	assert.Contains(t, finding.Found, "status 503")
}

func TestDoctorWarnsOfADiskWithoutRoom(t *testing.T) {
	folder := t.TempDir()
	cfg := runtest.Configure(t, folder, "name: large\ntables: [{source: {uri: lake/*.parquet}}]\n")
	require.NoError(t, os.Mkdir(filepath.Join(folder, "lake"), 0o755))
	large, err := os.Create(filepath.Join(folder, "lake", "large.parquet"))
	require.NoError(t, err)
	require.NoError(t, large.Truncate(8<<40)) // takes no room
	require.NoError(t, large.Close())
	finding := diagnose(t, cfg)["output"]
	assert.Equal(t, doctor.CheckWarning, finding.Status)
	assert.Contains(t, finding.Found, "but the files to load have 8.8 TB")
	assert.Contains(t, finding.Hint, "free some space")
}
