package pipelines

import (
	"github.com/dustin/go-humanize"

	"hyperlake/internal/failure"
)

// withNeeds adds to a failure for lack of room how much the run may take, once that is
// planned. Any other error stays as it is.
func (r *run) withNeeds(err error) error {
	if r.plan == nil || !failure.IsFull(err) {
		return err
	}
	load := r.plan.diskLoad(r.cfg.WorkerSpool().MostBytes())
	extract := uint64(growth * load.lake)
	known := failure.Of(err, failure.Storage)
	return failure.New(known.Kind, "%w", err).OnFullDisk().WithHint("%s; with %s to read, this run may take %s on staging, %s at the output, and %s in the spool of each worker",
		known.Hint, humanize.IBytes(uint64(load.lake)), humanize.IBytes(2*extract), humanize.IBytes(extract), humanize.IBytes(uint64(load.spool)))
}
