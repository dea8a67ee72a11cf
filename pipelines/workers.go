package pipelines

import (
	"context"
	"errors"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// hyperdForWorkers is the hyperd section as workers get it: where they are other processes
// and staging is theirs and ours, with a hyperd on staging for machines that have none.
func (r *run) hyperdForWorkers(ctx context.Context) (hyperd.Config, error) {
	cfg := r.cfg.Hyperd
	if !r.options.Engine.Remote() || r.cfg.Staging == "" {
		return cfg, nil
	}
	staged, err := hyperd.Stage(ctx, cfg.Path, r.cfg.Staging, func(what string) { r.options.Log.Info(what) })
	if failed := new(failure.Error); errors.As(err, &failed) && failed.Kind == failure.Hyperd {
		r.options.Log.Warn("there is no hyperd for workers on staging; they need one of their own", "error", err)
		return cfg, nil
	}
	cfg.Staged = staged
	return cfg, err
}
