package config

import (
	"cmp"
	"fmt"
	"net"
	"strconv"

	"hyperlake/internal/words"
	"hyperlake/sinks/hyper"
)

// The runners that a configuration may name.
const (
	RunnerDirect   = "direct"   // this process
	RunnerFlink    = "flink"    // a Flink cluster, through Beam's job server
	RunnerDataflow = "dataflow" // Google Cloud Dataflow
)

// RunnerConfig is the engine that runs the pipeline.
type RunnerConfig struct {
	// Name is direct (the default), which a configuration may also call prism, flink or
	// dataflow.
	Name string `yaml:"name"`

	// Parallelism is the number of workers to plan for. Default: auto.
	Parallelism Parallelism `yaml:"parallelism"`

	// Retries is how often in a run what is missing is run again after a failure that another
	// attempt may not meet, whatever is finished in between. Default: 2. Only for direct: other
	// engines run failed work again by themselves.
	Retries *int `yaml:"retries"`

	// Flink is how a Flink cluster is reached, for that runner.
	Flink FlinkConfig `yaml:"flink" json:",omitzero"`

	// Dataflow is what a job on Google Cloud Dataflow gets, for that runner.
	Dataflow DataflowConfig `yaml:"dataflow" json:",omitzero"`
}

// FlinkConfig is how a Flink cluster is reached and what its workers are.
type FlinkConfig struct {
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
	switch word := FlinkEnvironment(text); word {
	case FlinkLoopback, FlinkProcess, FlinkExternal, FlinkDocker:
		*e = word
		return nil
	default:
		return fmt.Errorf("must be loopback, process, external or docker, not %s", words.Shorten(string(text)))
	}
}

// defaultFlinkEndpoint is where Beam's job server listens unless it is told otherwise.
const defaultFlinkEndpoint = "localhost:8099"

// defaultRetries is how often failed work is run again.
const defaultRetries = 2

// maxRetries is no bound that anybody should meet.
const maxRetries = 100

// DriverRetries is how often this process runs failed work again.
func (r RunnerConfig) DriverRetries() int {
	if r.Name != RunnerDirect {
		return 0
	}
	return *r.Retries
}

func (c *Config) checkRunner() error {
	if c.Runner.Retries == nil {
		retries := defaultRetries
		c.Runner.Retries = &retries
	}
	if *c.Runner.Retries < 0 || *c.Runner.Retries > maxRetries {
		return c.Problem("runner.retries", "runner.retries must be from 0 to %d, not %d", maxRetries, *c.Runner.Retries)
	}
	switch c.Runner.Name {
	case RunnerDirect, "prism":
		c.Runner.Name = RunnerDirect
		return nil
	case RunnerFlink:
		return c.checkFlink()
	case RunnerDataflow:
		return c.checkDataflow()
	default:
		return c.Problem("runner.name", "runner.name must be direct, or its alias prism, flink or dataflow, not %s", words.Shorten(c.Runner.Name))
	}
}

// checkFlink fills in the defaults of runner.flink, and checks what can be known without
// the cluster. The section may stand in a configuration that runs elsewhere today.
func (c *Config) checkFlink() error {
	flink := &c.Runner.Flink
	flink.Endpoint = cmp.Or(flink.Endpoint, defaultFlinkEndpoint)
	flink.Environment = cmp.Or(flink.Environment, FlinkProcess)
	if err := c.checkAddress("runner.flink.endpoint", flink.Endpoint); err != nil {
		return err
	}
	if flink.RESTEndpoint != "" {
		if err := c.checkAddress("runner.flink.rest_endpoint", flink.RESTEndpoint); err != nil {
			return err
		}
	}
	if err := c.checkLocalPath("runner.flink.worker_binary", flink.WorkerBinary); err != nil {
		return err
	}
	switch flink.Environment {
	case FlinkLoopback:
		return nil
	case FlinkProcess:
		if flink.WorkerCommand == "" {
			return c.Problem("runner.flink.worker_command", "runner.flink.worker_command is missing; give the path that Beam's boot program has on the TaskManagers,"+
				" or set runner.flink.environment to loopback for a cluster on this machine")
		}
	case FlinkExternal:
		if flink.WorkerAddress == "" {
			return c.Problem("runner.flink.worker_address", "runner.flink.worker_address is missing; give the HOST:PORT of the pool of workers, as the TaskManagers see it")
		}
		if err := c.checkAddress("runner.flink.worker_address", flink.WorkerAddress); err != nil {
			return err
		}
	case FlinkDocker:
		if flink.Image == "" {
			return c.Problem("runner.flink.image", "runner.flink.image is missing; give a container image with Beam's boot program and hyperd")
		}
	}
	if c.Staging == "" {
		return c.Problem("staging", "staging is missing, but workers that are not this process (runner.flink.environment: %s) need a folder that they and this machine reach; set staging, such as gs://bucket/staging", flink.Environment)
	}
	return nil
}

// checkAddress refuses what is no HOST:PORT.
func (c *Config) checkAddress(key, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil && host != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err == nil && number > 0 {
			return nil
		}
	}
	return c.Problem(key, "%s must be a host and a port, such as %s, not %s", key, defaultFlinkEndpoint, words.Shorten(address))
}

// WorkerSpool is the spool of each worker.
func (c *Config) WorkerSpool() hyper.SpoolConfig {
	spool := c.Spool
	spool.Sharers = max(int(c.Runner.Parallelism), 1)
	if c.Runner.Name == RunnerDataflow {
		spool.Sharers = 1 // each worker has a machine of its own, and loads one bundle at a time
	}
	return spool
}
