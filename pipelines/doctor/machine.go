package doctor

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
)

// machineChecks are about this machine.
func (d doctor) machineChecks() []Check {
	return []Check{{"hyperd", d.checkHyperdWorks}, {"spool", d.checkSpoolFolder}, {"memory", d.checkMemory}}
}

// checkHyperdWorks starts hyperd, and has it answer a query.
func (d doctor) checkHyperdWorks(ctx context.Context) (string, error) {
	path, err := hyperd.Find(d.cfg.Hyperd.Path)
	if err != nil {
		return "", err
	}
	lease, err := hyperd.Acquire(ctx, d.cfg.Hyperd)
	if err != nil {
		return "", err
	}
	defer lease.Release()
	version, err := lease.Version(ctx)
	if err != nil {
		return "", err
	}
	conn, err := lease.Connect(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.QueryValue(ctx, "SELECT 1"); err != nil {
		return "", err
	}
	return fmt.Sprintf("version %s starts and answers: %s", version, path), nil
}

func (d doctor) checkSpoolFolder(context.Context) (string, error) {
	folder, most, err := d.cfg.WorkerSpool().Try()
	if err != nil {
		return "", err
	}
	free, err := storage.FreeBytes(folder)
	if err != nil {
		return "", err
	}
	found := fmt.Sprintf("%s can be written, %s free, of which a worker takes up to %s",
		folder, humanize.IBytes(free), humanize.IBytes(uint64(most)))
	if free < uint64(most) {
		return "", caution("free some space there, or set spool.path or spool.max_bytes", "%s", found)
	}
	return found, nil
}

func (d doctor) checkMemory(context.Context) (string, error) {
	usable, limit := d.cfg.Hyperd.MemoryUse()
	if usable == 0 {
		return "", caution("set hyperd.memory_limit to a size that fits", "how much memory there is cannot be found out")
	}
	found := fmt.Sprintf("%s can be used, of which hyperd takes up to %s", humanize.IBytes(usable), humanize.IBytes(limit))
	if limit >= usable {
		return "", caution("set hyperd.memory_limit lower, or to auto: the process that runs out of memory is killed", "%s", found)
	}
	return found, nil
}
