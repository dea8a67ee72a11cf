package config

import (
	"fmt"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/runners/options"
	"hyperlake/sinks/hyper"
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
	Flink options.Flink `yaml:"flink" json:",omitzero"`

	// Dataflow is what a job on Google Cloud Dataflow gets, for that runner.
	Dataflow options.Dataflow `yaml:"dataflow" json:",omitzero"`
}

// defaultRetries is how often failed work is run again.
const defaultRetries = 2

// maxRetries is no bound that anybody should meet.
const maxRetries = 100

// DriverRetries is how often this process runs failed work again.
func (r RunnerConfig) DriverRetries() int {
	if r.Name != options.RunnerDirect {
		return 0
	}
	return *r.Retries
}

func (c *Config) checkRunner() error {
	if c.Runner.Retries == nil {
		retries := defaultRetries
		c.Runner.Retries = &retries
	}
	var wrong error
	if *c.Runner.Retries < 0 || *c.Runner.Retries > maxRetries {
		wrong = c.Problem("runner.retries", "runner.retries must be from 0 to %d, not %d", maxRetries, *c.Runner.Retries)
	}
	return failure.Join(failure.Config, wrong, c.checkEngine())
}

func (c *Config) checkEngine() error {
	switch c.Runner.Name {
	case options.RunnerDirect, "prism":
		c.Runner.Name = options.RunnerDirect
		return nil
	case options.RunnerFlink:
		return c.Runner.Flink.Check(c, c.Staging)
	case options.RunnerDataflow:
		return c.Runner.Dataflow.Check(c, c.Name, c.Staging, int(c.Runner.Parallelism))
	default:
		return c.Problem("runner.name", "runner.name must be direct, or its alias prism, flink or dataflow, not %s", words.Shorten(c.Runner.Name))
	}
}

// WorkerSpool is the spool of each worker, which as many bundles share as it loads at the same time.
func (c *Config) WorkerSpool() hyper.SpoolConfig {
	spool := c.Spool
	spool.Sharers = max(int(c.Runner.Parallelism), 1)
	if c.Runner.Name == options.RunnerDataflow {
		spool.Sharers = 1 // each worker has a machine of its own, and loads one bundle at a time
	}
	return spool
}

// checkLake refuses files that Dataflow's workers do not reach.
func (c *Config) checkLake() error {
	if c.Runner.Name != options.RunnerDataflow || !c.IsSound("runner.name") {
		return nil
	}
	for i, table := range c.Tables {
		key := fmt.Sprintf("tables[%d].source.uri", i)
		for j, glob := range table.Source.URI {
			if options.ReachedByDataflow(glob) || !c.IsSound(c.GlobKey(key, j)) {
				continue
			}
			kind := ""
			if storage.IsLocal(glob) {
				kind = "the local "
			}
			return c.Problem(c.GlobKey(key, j), "%s is %s%s, which Dataflow's workers do not reach; put the files on gs://",
				key, kind, words.Shorten(glob))
		}
	}
	return nil
}
