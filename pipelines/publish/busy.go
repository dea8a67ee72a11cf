package publish

import (
	"time"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/tableau"
)

// longestBusyWait bounds how long a publication waits for others; publish.timeout may end it before.
const longestBusyWait = 30 * time.Minute

// busyWait is how long a publication waits for others; below 0 it does not wait.
func busyWait(choice config.BusyChoice) time.Duration {
	if choice == config.BusyWait {
		return longestBusyWait
	}
	return -1
}

// skipped is the outcome, in reports, where somebody else was changing the data source, and it was left to them.
const skipped = "skipped"

// leaves says whether a failure is none, since the data source is left to whoever is changing it, and notes that.
func (t *transfer) leaves(failed error, about *report.Publishing) bool {
	if t.cfg.Publish.OnBusy != config.BusySkip || !tableau.IsBusy(failed) {
		return false
	}
	t.options.Log.Warn("somebody else is changing the data source, it is left out", "datasource", about.Datasource, "error", failed)
	about.Outcome = skipped
	return true
}
