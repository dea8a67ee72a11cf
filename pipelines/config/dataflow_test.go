package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/runners/options"
)

// onDataflow is a configuration with lines added to a section runner.dataflow that is good.
func onDataflow(lines string) string {
	return `name: Sales of Übersee (2026)
tables: [{source: {uri: "gs://lake/*.parquet"}}]
staging: gs://lake/staging
runner:
  name: dataflow
  parallelism: 4
  dataflow:
    project: lake-project
    region: europe-west1
    image: example.org/hyperlake:1
` + lines
}

func TestDataflowHasDefaults(t *testing.T) {
	t.Parallel()
	cfg, message := loadText(t, onDataflow(""), config.LoadOptions{})
	require.Empty(t, message)
	assert.Equal(t, options.Dataflow{
		Project: "lake-project", Region: "europe-west1", StagingLocation: "gs://lake/staging/dataflow", Image: "example.org/hyperlake:1",
		PublicIPs: true, Labels: map[string]string{"hyperlake-name": "sales-of-übersee--2026-"},
	}, cfg.Runner.Dataflow)
}

func TestLabelsOfDataflow(t *testing.T) {
	t.Parallel()
	cfg, message := loadText(t, onDataflow("    labels: {team: lake_1, kosten-stelle: '', hyperlake-name: mine}\n"), config.LoadOptions{})
	require.Empty(t, message)
	assert.Equal(t, map[string]string{"team": "lake_1", "kosten-stelle": "", "hyperlake-name": "mine"}, cfg.Runner.Dataflow.Labels)

	long := strings.Replace(onDataflow(""), "Sales of Übersee (2026)", strings.Repeat("é", 70), 1)
	cfg, message = loadText(t, long, config.LoadOptions{})
	require.Empty(t, message)
	assert.Equal(t, strings.Repeat("é", 63), cfg.Runner.Dataflow.Labels["hyperlake-name"])
}

func TestLoadRefusesDataflow(t *testing.T) {
	t.Parallel()
	with := func(line string) string { return onDataflow("    " + line + "\n") }
	without := func(line string) string { return strings.Replace(onDataflow(""), "    "+line+"\n", "", 1) }
	instead := func(old, line string) string { return strings.Replace(onDataflow(""), old, line, 1) }
	var labels []string
	for i := range 63 {
		labels = append(labels, fmt.Sprintf("l%d: x", i))
	}
	testBad(t, []badConfig{
		{"no project", without("project: lake-project"), `x.yaml:8:5: runner.dataflow.project is missing; give the id of the Google Cloud project that runs the job`},
		{"a number of a project", instead("lake-project", "Lake Project"), `x.yaml:8:14: runner.dataflow.project must be the id of a project, such as my-project-1, not "Lake Project"`},
		{"no region", without("region: europe-west1"), `x.yaml:8:5: runner.dataflow.region is missing; give the region that the lake is in, such as europe-west1`},
		{"a zone", instead("europe-west1", "europe-west1-b"), `x.yaml:9:13: runner.dataflow.region is the zone europe-west1-b; give its region, europe-west1`},
		{"no such region", instead("europe-west1", "Europe"), `x.yaml:9:13: runner.dataflow.region must be a region such as europe-west1, not "Europe"`},
		{"no image", without("image: example.org/hyperlake:1"), `x.yaml:8:5: runner.dataflow.image is missing; give a container image with Beam's boot program and hyperd, which docs/dataflow.md tells how to build`},
		{"a wrong image", instead("example.org/hyperlake:1", "example.org/hyper lake"), `x.yaml:10:12: runner.dataflow.image must be the name of a container image, such as europe-docker.pkg.dev/project/repository/hyperlake:1, not "example.org/hyper lake"`},
		{"no staging", instead("staging: gs://lake/staging\n", ""), `x.yaml:1:1: staging is missing, but Dataflow's workers need a folder that they and this machine reach; set staging, such as gs://bucket/staging`},
		{"local staging", instead("gs://lake/staging", "/tmp/staging"), `x.yaml:3:10: staging must be on gs:// for Dataflow, whose workers do not reach "/tmp/staging"`},
		{"a local lake", instead("gs://lake/*.parquet", "lake/*.parquet"), `x.yaml:2:25: tables[0].source.uri is the local "lake/*.parquet", which Dataflow's workers do not reach; put the files on gs://`},
		{"staging on S3", instead("gs://lake/staging", "s3://lake/staging"), `x.yaml:3:10: staging must be on gs:// for Dataflow, whose workers do not reach "s3://lake/staging"`},
		{"a lake on a web server", instead("gs://lake/*.parquet", "https://example.com/a.parquet"), `x.yaml:2:25: tables[0].source.uri is "https://example.com/a.parquet", which Dataflow's workers do not reach; put the files on gs://`},
		{"a lake on S3", instead("gs://lake/*.parquet", "s3://lake/*.parquet"), `x.yaml:2:25: tables[0].source.uri is "s3://lake/*.parquet", which Dataflow's workers do not reach; put the files on gs://`},
		{"one local file", instead(`"gs://lake/*.parquet"`, `["gs://lake/*.parquet", b.parquet]`), `x.yaml:2:49: tables[0].source.uri is the local "b.parquet", which Dataflow's workers do not reach; put the files on gs://`},
		{"local staging location", with("staging_location: jobs"), `x.yaml:11:23: runner.dataflow.staging_location must be a folder on gs://, not "jobs"`},
		{"no bucket", with("staging_location: gs:///jobs"), `x.yaml:11:23: runner.dataflow.staging_location: "gs:///jobs" names no bucket; write gs://BUCKET/PATH`},
		{"a small disk", with("disk_size_gb: 10"), `x.yaml:11:19: runner.dataflow.disk_size_gb must be auto or a number of GB from 30 to 65536, not "10"`},
		{"a disk in words", with("disk_size_gb: 200 GB"), `x.yaml:11:19: runner.dataflow.disk_size_gb must be auto or a number of GB from 30 to 65536, not "200 GB"`},
		{"too few workers", with("max_workers: 3"), `x.yaml:11:18: runner.dataflow.max_workers is 3, less than runner.parallelism, which is 4; make it as much`},
		{"no workers", with("max_workers: 0"), `x.yaml:11:18: runner.dataflow.max_workers must be a number of workers of 1 or more, not 0`},
		{"no account", with("service_account: worker"), `x.yaml:11:22: runner.dataflow.service_account must be the e-mail of a service account, not "worker"`},
		{"a name of a subnetwork", with("subnetwork: lake"), `x.yaml:11:17: runner.dataflow.subnetwork must be of the form regions/REGION/subnetworks/NAME, not "lake"`},
		{"a label's name", with("labels: {Team: lake}"), `x.yaml:11:20: runner.dataflow.labels.Team: the name of a label is a lower-case letter and at most 62 lower-case letters, digits, - and _`},
		{"a label's value", with("labels: {team: Lake}"), `x.yaml:11:20: runner.dataflow.labels.team must be at most 63 lower-case letters, digits, - and _, not "Lake"`},
		{"a long value", with("labels: {team: " + strings.Repeat("x", 64) + "}"), `x.yaml:11:20: runner.dataflow.labels.team must be at most 63 lower-case letters, digits, - and _, not "` + strings.Repeat("x", 60) + `"…`},
		{"many labels", with("labels: {" + strings.Join(labels, ", ") + "}"), `x.yaml:11:13: runner.dataflow.labels has 63 labels; at most 62 are accepted`},
		{"an empty option", with("service_options: [enable_prime, '']"), `x.yaml:11:37: runner.dataflow.service_options[1] is empty; give it a value, or remove the entry`},
		{"a binary on gs", with("worker_binary: gs://b/w"), `x.yaml:11:20: runner.dataflow.worker_binary must be a local path, not "gs://b/w"`},
		{"an endpoint without a scheme", with("endpoint: dataflow.example.org"), `x.yaml:11:15: runner.dataflow.endpoint must be a URL, such as https://dataflow-private.p.googleapis.com/, not "dataflow.example.org"`},
		{"another key", with("colour: red"), `x.yaml:11:5: unknown key "colour"; the keys here are project, region, staging_location, image, machine_type, disk_size_gb, max_workers, service_account, network, subnetwork, public_ips, labels, service_options, worker_binary, endpoint`},
	})
}

// The section may stand in a configuration that runs elsewhere today.
func TestDataflowIsNotCheckedElsewhere(t *testing.T) {
	t.Parallel()
	_, message := loadText(t, good+"runner: {dataflow: {region: Europe}}\n", config.LoadOptions{})
	assert.Empty(t, message)
}

// The configuration that the documentation shows is one.
func TestTheDocumentedDataflow(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/dataflow.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(page), "```yaml\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "```")
	cfg, message := loadText(t, text, config.LoadOptions{})
	require.Empty(t, message)
	assert.Equal(t, options.RunnerDataflow, cfg.Runner.Name)
	assert.Equal(t, "gs://lake-staging/hyperlake/dataflow", cfg.Runner.Dataflow.StagingLocation)
}
