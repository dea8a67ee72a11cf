package options

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
)

// Dataflow is what a job on Google Cloud Dataflow gets. The account that sends it
// comes from the environment, as for all of Google's programs.
type Dataflow struct {
	// Project is the id of the Google Cloud project. Required.
	Project string `yaml:"project"`

	// Region is where the job runs, such as europe-west1. Required.
	Region string `yaml:"region"`

	// StagingLocation is the gs:// folder for the program of the workers, while a job
	// runs. Default: the folder dataflow in staging.
	StagingLocation string `yaml:"staging_location"`

	// Image is the container image of workers, with Beam's boot program and hyperd. Required.
	Image string `yaml:"image"`

	// MachineType is that of the workers, such as e2-standard-4. Default: Dataflow's.
	MachineType string `yaml:"machine_type"`

	// DiskSizeGB is the size of each worker's disk. Default: auto.
	DiskSizeGB DiskSizeGB `yaml:"disk_size_gb"`

	// MaxWorkers is how many workers Dataflow may start. Default: runner.parallelism.
	MaxWorkers int `yaml:"max_workers"`

	// ServiceAccount is the e-mail of the account that workers are. Default: Dataflow's.
	ServiceAccount string `yaml:"service_account"`

	// Network and Subnetwork are those of the workers. Default: Dataflow's.
	Network    string `yaml:"network"`
	Subnetwork string `yaml:"subnetwork"`

	// PublicIPs says whether workers have addresses that the internet reaches. Default:
	// true. Without them, the subnetwork needs Private Google Access.
	PublicIPs bool `yaml:"public_ips"`

	// Labels are those of the job. hyperlake-name is added, with the name of the
	// configuration.
	Labels map[string]string `yaml:"labels"`

	// ServiceOptions are Dataflow's own, passed on as they are.
	ServiceOptions []string `yaml:"service_options"`

	// WorkerBinary is this program, built for Linux on amd64; absolute. Empty (the
	// default): the program that runs.
	WorkerBinary string `yaml:"worker_binary"`

	// Endpoint is the URL of the Dataflow service, for private ones. Default: Google's.
	Endpoint string `yaml:"endpoint"`
}

// DiskSizeGB is the size of a disk in GB (2^30 bytes), or DiskSizeAuto.
type DiskSizeGB int

// DiskSizeAuto has the plan decide on the size of disks.
const DiskSizeAuto DiskSizeGB = 0

const (
	minDiskGB = 30     // what Dataflow wants for the system of a worker
	maxDiskGB = 65_536 // what Google has
)

// UnmarshalText reads a size as a configuration gives it.
func (s *DiskSizeGB) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*s = DiskSizeAuto
		return nil
	}
	size, err := strconv.Atoi(string(text))
	if err != nil || size < minDiskGB || size > maxDiskGB {
		return fmt.Errorf("must be auto or a number of GB from %d to %d, not %s", minDiskGB, maxDiskGB, words.Shorten(string(text)))
	}
	*s = DiskSizeGB(size)
	return nil
}

// nameLabel is the label of a job that has the name of its configuration.
const nameLabel = "hyperlake-name"

var (
	projectID      = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]*[a-z0-9]$`)
	region         = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+$`)
	zone           = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+-[a-z]$`)
	subnetworkPath = regexp.MustCompile(`(^|/)regions/[^/]+/subnetworks/[^/]+$`)
	serviceAccount = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	labelKey       = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue     = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
)

const (
	maxLabels       = 64 - 2 // Google's bound, less our own
	maxLabelLetters = 63
)

// Check fills in the defaults, and checks what can be known without the service. name, staging and
// workers are what the configuration says of the run, its folder, and how many workers to plan for. Its
// errors are problems of the section.
func (d *Dataflow) Check(in Section, name, staging string, workers int) error {
	return failure.Join(failure.Config,
		d.checkProject(in), d.checkRegion(in), d.checkEndpoint(in), d.checkStaging(in, staging),
		d.checkImage(in), d.checkSize(in, workers), d.checkAccess(in), d.checkServiceOptions(in),
		in.CheckLocalPath("runner.dataflow.worker_binary", d.WorkerBinary), d.checkLabels(in, name),
	)
}

// checkProject checks who pays for the job.
func (d *Dataflow) checkProject(in Section) error {
	const key = "runner.dataflow."
	switch {
	case d.Project == "":
		return in.Problem(key+"project", "runner.dataflow.project is missing; give the id of the Google Cloud project that runs the job")
	case !projectID.MatchString(d.Project):
		return in.Problem(key+"project", "runner.dataflow.project must be the id of a project, such as my-project-1, not %s",
			words.Shorten(d.Project))
	}
	return nil
}

// checkRegion checks where the job runs.
func (d *Dataflow) checkRegion(in Section) error {
	const key = "runner.dataflow."
	switch {
	case d.Region == "":
		return in.Problem(key+"region", "runner.dataflow.region is missing; give the region that the lake is in, such as europe-west1")
	case zone.MatchString(d.Region):
		return in.Problem(key+"region", "runner.dataflow.region is the zone %s; give its region, %s",
			d.Region, d.Region[:strings.LastIndex(d.Region, "-")])
	case !region.MatchString(d.Region):
		return in.Problem(key+"region", "runner.dataflow.region must be a region such as europe-west1, not %s", words.Shorten(d.Region))
	}
	return nil
}

func (d *Dataflow) checkEndpoint(in Section) error {
	const key = "runner.dataflow."
	if endpoint, err := url.Parse(d.Endpoint); d.Endpoint != "" && (err != nil || endpoint.Host == "") {
		return in.Problem(key+"endpoint", "runner.dataflow.endpoint must be a URL, "+
			"such as https://dataflow-private.p.googleapis.com/, not %s", words.Shorten(d.Endpoint))
	}
	return nil
}

// ReachedByDataflow says whether Dataflow's workers, which have no credentials but those of their service account, reach what is at a URI.
func ReachedByDataflow(uri string) bool { return strings.HasPrefix(uri, "gs://") }

// checkStaging wants folders on gs://, which is all that workers reach.
func (d *Dataflow) checkStaging(in Section, staging string) error {
	location := &d.StagingLocation
	const key = "runner.dataflow.staging_location"
	if !ReachedByDataflow(staging) {
		if staging == "" {
			return in.Problem("staging", "staging is missing, but Dataflow's workers need a folder that they and this machine reach; "+
				"set staging, such as gs://bucket/staging")
		}
		return in.Problem("staging", "staging must be on gs:// for Dataflow, whose workers do not reach %s", words.Shorten(staging))
	}
	if *location == "" {
		*location = storage.Join(staging, "dataflow")
	}
	if !ReachedByDataflow(*location) {
		return in.Problem(key, "%s must be a folder on gs://, not %s", key, words.Shorten(*location))
	}
	return in.CheckPath(key, *location)
}

// checkImage checks what workers are.
func (d *Dataflow) checkImage(in Section) error {
	const key = "runner.dataflow."
	switch {
	case d.Image == "":
		return in.Problem(key+"image", "runner.dataflow.image is missing; "+
			"give a container image with Beam's boot program and hyperd, which docs/dataflow.md tells how to build")
	case strings.ContainsFunc(d.Image, unicode.IsSpace):
		return in.Problem(key+"image", "runner.dataflow.image must be the name of a container image, "+
			"such as europe-docker.pkg.dev/project/repository/hyperlake:1, not %s", words.Shorten(d.Image))
	}
	return nil
}

// checkSize checks how many workers there are.
func (d *Dataflow) checkSize(in Section, workers int) error {
	const key = "runner.dataflow."
	switch {
	case d.MaxWorkers < 0, in.Written(key+"max_workers") && d.MaxWorkers == 0:
		return in.Problem(key+"max_workers", "runner.dataflow.max_workers must be a number of workers of 1 or more, not %d", d.MaxWorkers)
	case d.MaxWorkers > 0 && d.MaxWorkers < workers:
		return in.Problem(key+"max_workers", "runner.dataflow.max_workers is %d, less than runner.parallelism, which is %d; "+
			"make it as much", d.MaxWorkers, workers)
	}
	return nil
}

// checkAccess checks whom workers are, and which network they are in.
func (d *Dataflow) checkAccess(in Section) error {
	const key = "runner.dataflow."
	if !in.Written(key + "public_ips") {
		d.PublicIPs = true
	}
	var wrong []error
	if d.ServiceAccount != "" && !serviceAccount.MatchString(d.ServiceAccount) {
		wrong = append(wrong, in.Problem(key+"service_account",
			"runner.dataflow.service_account must be the e-mail of a service account, not %s", words.Shorten(d.ServiceAccount)))
	}
	if d.Subnetwork != "" && !subnetworkPath.MatchString(d.Subnetwork) {
		wrong = append(wrong, in.Problem(key+"subnetwork",
			"runner.dataflow.subnetwork must be of the form regions/REGION/subnetworks/NAME, not %s", words.Shorten(d.Subnetwork)))
	}
	return failure.Join(failure.Config, wrong...)
}

func (d *Dataflow) checkServiceOptions(in Section) error {
	const key = "runner.dataflow."
	var wrong []error
	for i, option := range d.ServiceOptions {
		if at := fmt.Sprintf(key+"service_options[%d]", i); strings.TrimSpace(option) == "" {
			wrong = append(wrong, in.Problem(at, "%s is empty; give it a value, or remove the entry", at))
		}
	}
	return failure.Join(failure.Config, wrong...)
}

// checkLabels holds labels against Google's rules, and adds our own.
func (d *Dataflow) checkLabels(in Section, name string) error {
	var wrong []error
	for _, key := range slices.Sorted(maps.Keys(d.Labels)) {
		at := strictyaml.JoinKey("runner.dataflow.labels", key)
		if !labelKey.MatchString(key) {
			wrong = append(wrong, in.Problem(at,
				"%s: the name of a label is a lower-case letter and at most 62 lower-case letters, digits, - and _", at))
		}
		if !labelValue.MatchString(d.Labels[key]) {
			wrong = append(wrong, in.Problem(at,
				"%s must be at most 63 lower-case letters, digits, - and _, not %s", at, words.Shorten(d.Labels[key])))
		}
	}
	if len(d.Labels) > maxLabels {
		wrong = append(wrong, in.Problem("runner.dataflow.labels",
			"runner.dataflow.labels has %d labels; at most %d are accepted", len(d.Labels), maxLabels))
	}
	labels := map[string]string{nameLabel: labelText(name)}
	maps.Copy(labels, d.Labels)
	d.Labels = labels
	return failure.Join(failure.Config, wrong...)
}

// labelText turns a text into one that is accepted as the value of a label.
func labelText(text string) string {
	valid := strings.Map(func(r rune) rune {
		r = unicode.ToLower(r)
		if labelValue.MatchString(string(r)) {
			return r
		}
		return '-'
	}, text)
	if letters := []rune(valid); len(letters) > maxLabelLetters {
		return string(letters[:maxLabelLetters])
	}
	return valid
}
