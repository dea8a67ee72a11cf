package options

import (
	"cmp"
	"net"
	"strconv"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// Flink is how a Flink cluster is reached and what its workers are.
type Flink struct {
	// Endpoint is the HOST:PORT of Beam's job server. Default: localhost:8099.
	Endpoint string `yaml:"endpoint"`

	// RESTEndpoint is the HOST:PORT of the JobManager's REST interface, by which a run looks
	// for task slots, watches its job, and cancels it. Default: port 8081 of the machine of Endpoint.
	RESTEndpoint string `yaml:"rest_endpoint"`

	// Environment says what workers are. Default: process.
	Environment FlinkEnvironment `yaml:"environment"`

	// WorkerCommand is the path of Beam's boot program on the TaskManagers. Required by
	// the environment process.
	WorkerCommand string `yaml:"worker_command"`

	// WorkerAddress is the HOST:PORT of a pool of workers, as the TaskManagers see it.
	// Required by the environment external.
	WorkerAddress string `yaml:"worker_address"`

	// Image is the container image of workers. Required by the environment docker.
	Image string `yaml:"image"`

	// WorkerBinary is this program, built for Linux on amd64; absolute. Empty (the
	// default): the program that runs.
	WorkerBinary string `yaml:"worker_binary"`
}

// FlinkEnvironment says what the workers of a Flink job are.
type FlinkEnvironment string

// What the workers of a Flink job are.
const (
	FlinkLoopback FlinkEnvironment = "loopback" // this process
	FlinkProcess  FlinkEnvironment = "process"  // a process that each TaskManager starts
	FlinkExternal FlinkEnvironment = "external" // processes of a pool
	FlinkDocker   FlinkEnvironment = "docker"   // a container that each TaskManager starts
)

// UnmarshalText reads the word as a configuration gives it.
func (e *FlinkEnvironment) UnmarshalText(text []byte) error {
	return words.OneOf(e, text, FlinkLoopback, FlinkProcess, FlinkExternal, FlinkDocker)
}

// defaultFlinkEndpoint is where Beam's job server listens unless it is told otherwise.
const defaultFlinkEndpoint = "localhost:8099"

// Check fills in the defaults, and checks what can be known without the cluster. staging is the
// folder that the configuration names for it. Its errors are problems of the section.
func (f *Flink) Check(in Section, staging string) error {
	f.Endpoint = cmp.Or(f.Endpoint, defaultFlinkEndpoint)
	f.Environment = cmp.Or(f.Environment, FlinkProcess)
	wrong := []error{checkAddress(in, "runner.flink.endpoint", f.Endpoint)}
	if f.RESTEndpoint != "" {
		wrong = append(wrong, checkAddress(in, "runner.flink.rest_endpoint", f.RESTEndpoint))
	}
	wrong = append(wrong, in.CheckLocalPath("runner.flink.worker_binary", f.WorkerBinary))
	if !in.IsSound("runner.flink.environment") {
		return failure.Join(failure.Config, wrong...)
	}
	wrong = append(wrong, f.checkWorkers(in))
	if staging == "" && f.Environment != FlinkLoopback {
		wrong = append(wrong, in.Problem("staging",
			"staging is missing, but workers that are not this process (runner.flink.environment: %s) "+
				"need a folder that they and this machine reach; set staging, such as gs://bucket/staging", f.Environment))
	}
	return failure.Join(failure.Config, wrong...)
}

// checkWorkers checks what the workers of an environment need.
func (f *Flink) checkWorkers(in Section) error {
	switch f.Environment {
	case FlinkProcess:
		if f.WorkerCommand == "" {
			return in.Problem("runner.flink.worker_command", "runner.flink.worker_command is missing; "+
				"give the path that Beam's boot program has on the TaskManagers,"+
				" or set runner.flink.environment to loopback for a cluster on this machine")
		}
	case FlinkExternal:
		if f.WorkerAddress == "" {
			return in.Problem("runner.flink.worker_address", "runner.flink.worker_address is missing; "+
				"give the HOST:PORT of the pool of workers, as the TaskManagers see it")
		}
		return checkAddress(in, "runner.flink.worker_address", f.WorkerAddress)
	case FlinkDocker:
		if f.Image == "" {
			return in.Problem("runner.flink.image", "runner.flink.image is missing; give a container image with Beam's boot program and hyperd")
		}
	}
	return nil
}

// checkAddress refuses what is no HOST:PORT.
func checkAddress(in Section, key, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil && host != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err == nil && number > 0 {
			return nil
		}
	}
	return in.Problem(key, "%s must be a host and a port, such as %s, not %s", key, defaultFlinkEndpoint, words.Shorten(address))
}
