package runners

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/api/googleapi"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/runners/options"
)

// dataflowEngine is the Dataflow service of a project. Beam's own runner for it is not used:
// its options are flags of the whole process, all of which travel with a job, and it
// neither tells the id of a job that runs nor cancels one.
//
// Values that Dataflow does not accept are refused by the service when the job is made.
type dataflowEngine struct {
	options options.Dataflow
	workers int
}

// describe returns the job as JSON.
func (d dataflowEngine) describe(ctx context.Context, j job) ([]byte, error) {
	s, err := d.prepare(ctx, j)
	if err != nil {
		return nil, err
	}
	return s.json()
}

func (d dataflowEngine) run(ctx context.Context, j job) error {
	err := d.runToEnd(ctx, j)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (d dataflowEngine) runToEnd(ctx context.Context, j job) error {
	s, err := d.prepare(ctx, j)
	if err != nil {
		return err
	}
	client, err := d.client(ctx)
	if err != nil {
		return err
	}
	if err := s.stage(ctx); err != nil {
		s.unstage(j)
		return failure.New(failure.Storage, "hand the program for workers over: %w", err).WithHint("%s", storage.Hint(err))
	}
	id, err := client.create(ctx, s.job)
	if err != nil {
		s.unstage(j)
		if answer := new(googleapi.Error); !errors.As(err, &answer) {
			j.log.Warn("nobody knows whether the job was made; look for it in the console", "name", s.job.Name, "console", client.console(""))
		}
		return client.explain("make the job", err)
	}
	j.log.Info("the job is on Dataflow", "id", id, "console", client.console(id))
	if j.account != nil {
		j.account(JobRun{ID: id})
	}
	f := follower{client: client, id: id, job: j}
	err = f.await(ctx)
	if !hasEnded(f.state) && !client.abandon(id, j) {
		return err // it may still need what is staged
	}
	s.unstage(j)
	return err
}

// abandon cancels a job that nobody waits for any more, and says whether that worked.
func (c *dataflowClient) abandon(id string, j job) bool {
	if err := c.cancel(id); err != nil {
		j.log.Warn("the job may go on; cancel it in the console", "console", c.console(id), "error", err)
		return false
	}
	j.log.Info("the job is being cancelled", "console", c.console(id))
	return true
}

// unstageTime bounds how long a run takes to remove what it staged.
const unstageTime = 5 * time.Second

// unstage removes what the job does not need any more. What stays does no harm.
func (s *dataflowJob) unstage(j job) {
	ctx, cancel := context.WithTimeout(context.Background(), unstageTime)
	defer cancel()
	store, err := storage.For(s.folder)
	if err == nil {
		err = store.RemoveAll(ctx, s.folder)
	}
	if err != nil {
		j.log.Warn("files of the job stay", "folder", s.folder, "error", err)
	}
}

// stage uploads what workers and the service read.
func (s *dataflowJob) stage(ctx context.Context) error {
	if _, err := storage.Upload(ctx, s.program, s.programURI, storage.Any()); err != nil {
		return err
	}
	store, err := storage.For(s.modelURI)
	if err != nil {
		return err
	}
	return store.Put(ctx, s.modelURI, s.model)
}

// program is the file that workers run.
func (d dataflowEngine) program() (string, error) {
	return workerBinary(d.options.WorkerBinary, "runner.dataflow.worker_binary")
}

// diskGB is the size of the disk of each worker; 0 leaves it to Dataflow.
func (d dataflowEngine) diskGB(needed int64) int64 {
	const gb = 1 << 30
	return cmp.Or(int64(d.options.DiskSizeGB), (needed+gb-1)/gb)
}

// jobName is what Dataflow accepts as the name of a job: lower case.
func jobName(name string) string { return strings.ToLower(name) }
