package config

import "strings"

// MetricsConfig is where figures of the last run are left.
type MetricsConfig struct {
	// TextFile is a file for the textfile collector of Prometheus' node_exporter, local and absolute, whose name ends in .prom. Each
	// configuration has one of its own. Default: none.
	TextFile string `yaml:"textfile"`
}

// textFileEnd ends the names of the only files that the collector reads.
const textFileEnd = ".prom"

func (c *Config) checkMetrics() error {
	path := c.Metrics.TextFile
	if path == "" {
		return nil
	}
	if err := c.CheckLocalPath("metrics.textfile", path); err != nil {
		return err
	}
	if !strings.HasSuffix(path, textFileEnd) {
		return c.Problem("metrics.textfile", "metrics.textfile must end in %s: node_exporter reads no other files", textFileEnd)
	}
	return nil
}
