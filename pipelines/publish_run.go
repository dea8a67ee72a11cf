package pipelines

import (
	"context"
	"path"
	"path/filepath"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/sinks/hyper"
)

// stagePublish is the name of the stage in the report.
const stagePublish = "publish"

// ReportPublish is what became of one data source.
type ReportPublish struct {
	Mode         PublishMode `json:"mode"`
	DatasourceID string      `json:"datasource_id"`
	JobID        string      `json:"job_id"` // empty without a job; of several the last
	Seconds      float64     `json:"seconds"`

	Outcome    string `json:"outcome"` // published, failed, unknown or unchanged
	Server     string `json:"server"`
	Site       string `json:"site"`
	Project    string `json:"project"`
	Datasource string `json:"datasource"`
	Rows       int64  `json:"rows"`
	Bytes      int64  `json:"bytes"`           // sent
	Parts      int    `json:"parts,omitempty"` // of a data update, or extracts of a set, that were applied

	// Confirmed says that the reply was lost, and that the success is known from looking.
	Confirmed bool `json:"confirmed,omitempty"`

	// Others are the other data sources of the extract.
	Others []*ReportPublish `json:"others,omitempty"`
}

// published notes what became of the data sources.
func (r *Report) published(sources []*ReportPublish) {
	if len(sources) > 0 {
		r.Publish = sources[0]
		r.Publish.Others = sources[1:]
	}
}

// Publish publishes the extract that stands at the output path of a configuration. It
// always returns a report, of failures, too.
func Publish(ctx context.Context, cfg *Config, options PublishOptions) (*Report, error) {
	r := &run{
		cfg:     cfg,
		options: RunOptions{ID: options.ID, Log: options.Log, Progress: options.Progress},
		report: &Report{
			Version: reportVersion, RunID: options.ID, Name: cfg.Name, Started: time.Now().UTC(),
			Output: ReportOutput{Path: cfg.Output.Path}, Tables: []ReportTable{}, Stages: []ReportStage{},
		},
	}
	err := r.publishStanding(ctx, options)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	r.report.finish(err)
	return r.report, err
}

// publishStanding publishes the extract that stands at the output path.
func (r *run) publishStanding(ctx context.Context, options PublishOptions) error {
	p, err := newPublisher(ctx, r.cfg, options)
	if err != nil {
		return err
	}
	return inOwnStaging(ctx, r.cfg.Output.Path, options.ID, func(staging *staging) error {
		extract, err := r.standing(ctx, p, staging.local)
		if err != nil {
			return err
		}
		lease, err := hyperd.Acquire(ctx, r.cfg.Hyperd)
		if err != nil {
			return err
		}
		defer lease.Release()
		if r.report.HyperdVersion, err = lease.Version(ctx); err != nil {
			return err
		}
		return r.publish(ctx, p, lease, extract)
	})
}

// standing finds what stands at the output path: the extract, or the set of those that are
// not merged, which are fetched one by one when they are sent.
func (r *run) standing(ctx context.Context, p *publisher, scratch string) (extract extractFile, err error) {
	if r.cfg.Output.Merge == MergeNone {
		if p.set, err = readSet(ctx, r.cfg.Output.Path); err == nil {
			r.report.add(p.set)
		}
		return extractFile{scratch: scratch}, err
	}
	if extract, err = fetchExtract(ctx, r.cfg.Output.Path, scratch); err == nil {
		r.report.Output.Bytes, r.report.Output.SHA256 = extract.bytes, extract.sha256
	}
	return extract, err
}

// fetchExtract makes sure that the extract is local, and hashes it.
func fetchExtract(ctx context.Context, uri, scratch string) (extractFile, error) {
	path, err := localFile(ctx, uri, scratch)
	extract := extractFile{path: path, scratch: scratch}
	if err == nil {
		extract.sha256, extract.bytes, err = storage.SHA256(ctx, path)
	}
	if err != nil {
		return extractFile{}, failure.New(failure.Storage, "read the extract %s: %w", uri, err).WithHint("%s", storage.Hint(err))
	}
	return extract, nil
}

// localFile returns a local path of a file: its own where it is local, else that of a copy in folder.
func localFile(ctx context.Context, uri, folder string) (string, error) {
	if path, local := storage.LocalPath(uri); local {
		return path, nil
	}
	store, err := storage.For(uri)
	if err != nil {
		return "", err
	}
	info, err := store.Stat(ctx, uri)
	if err != nil {
		return "", err
	}
	copied := filepath.Join(folder, path.Base(uri))
	return copied, storage.Download(ctx, info, copied)
}

// preparePublishing finds what publishing will need, and holds the plan against Tableau's
// rules. It returns nil where the configuration does not publish.
func (r *run) preparePublishing(ctx context.Context) (*publisher, error) {
	if r.cfg.Publish == nil {
		return nil, nil //nolint:nilnil // there is nothing to publish with, and that is no error
	}
	p, err := newPublisher(ctx, r.cfg, PublishOptions{
		ID: r.options.ID, Log: r.options.Log, Progress: r.options.Progress, Command: r.options.PublishCommand,
	})
	if err != nil {
		return nil, err
	}
	return p, p.preflight(r.plan)
}

// publishPlaced publishes what this run has moved into place. Of a remote extract it sends the
// local file that was uploaded.
func (r *run) publishPlaced(ctx context.Context, p *publisher, lease *hyperd.Lease, extract hyper.File, scratch string) (err error) {
	if r.cfg.Output.Merge == MergeNone {
		if p.set, err = readSet(ctx, r.cfg.Output.Path); err != nil {
			return err
		}
		return r.publish(ctx, p, lease, extractFile{scratch: scratch})
	}
	path, local := storage.LocalPath(r.cfg.Output.Path)
	if !local {
		path = extract.Path
	}
	return r.publish(ctx, p, lease, extractFile{path: path, sha256: extract.SHA256, bytes: extract.Bytes, scratch: scratch})
}

// publish is the last stage of a run. A file that this run has not made may be none.
func (r *run) publish(ctx context.Context, p *publisher, lease *hyperd.Lease, extract extractFile) error {
	return r.stage(stagePublish, func() (work, error) {
		var err error
		if p.set == nil {
			extract.content, err = hyper.ReadContent(ctx, lease, extract.path)
		}
		switch {
		case err == nil:
			err = p.publish(ctx, lease, extract)
		case r.plan != nil:
			err = p.explain(err)
		}
		r.report.published(p.report)
		var done work
		for _, source := range p.report {
			done.bytes += source.Bytes
			if source.Outcome == string(published) {
				done.rows += source.Rows
			}
		}
		return done, err
	})
}
