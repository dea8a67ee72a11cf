package runners

import (
	"cmp"
	"context"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

func (dataflowEngine) remote() bool { return true }

func (d dataflowEngine) checks() []Check {
	return []Check{
		{"program for workers", d.checkProgram},
		{"Google credentials", d.checkCredentials},
		{"staging location", d.checkStaging},
		{"Dataflow", d.checkService},
	}
}

func (d dataflowEngine) checkProgram(context.Context) (found string, err error) {
	return d.program()
}

func (d dataflowEngine) checkCredentials(ctx context.Context) (found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	usable, err := googleCredentials()
	if err != nil {
		return "", err
	}
	if _, err := usable.Token(ctx); err != nil {
		return "", noCredentials(err)
	}
	return "give a token", nil
}

func (d dataflowEngine) checkStaging(ctx context.Context) (found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	location := d.options.StagingLocation
	bucket, _, _ := strings.Cut(strings.TrimPrefix(location, "gs://"), "/") // the folder need not be there yet
	store, err := storage.For(location)
	if err == nil {
		_, err = store.Stat(ctx, "gs://"+bucket)
	}
	if err != nil {
		return "", failure.New(failure.Storage, "staging location %s: %w", location, err).BeforeData().
			WithHint("%s", cmp.Or(storage.Hint(err), "check runner.dataflow.staging_location"))
	}
	return location, nil
}

// checkService asks for a list of jobs, which needs the API, the project, the region, and
// most of what is needed to run one.
func (d dataflowEngine) checkService(ctx context.Context) (found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	client, err := d.client(ctx)
	if err != nil {
		return "", err
	}
	err = client.call(ctx, answerDeadline, func(ctx context.Context) error {
		_, err := client.jobs.List(client.project, client.region).PageSize(1).Context(ctx).Do()
		return err
	})
	if err != nil {
		return "", client.explain("list the jobs of project "+client.project, err)
	}
	return "answers for project " + client.project + " in " + client.region, nil
}
