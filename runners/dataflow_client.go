package runners

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"github.com/googleapis/gax-go/v2"
	df "google.golang.org/api/dataflow/v1b3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"hyperlake/internal/failure"
)

// dataflowClient speaks to the Dataflow service about the jobs of one project in one
// region. Requests are repeated while the service is not well. Except those of create,
// errors are failures of kind Engine, with a hint.
type dataflowClient struct {
	jobs            *df.ProjectsLocationsJobsService
	project, region string
}

const (
	// patience is how long a service that is not well is waited for.
	patience = 10 * time.Minute

	// requestTime is how long one request may take.
	requestTime = 30 * time.Second

	// createPatience is the same for making a job, where a quota may be what is missing.
	createPatience = time.Minute

	// createGrace is how long an interrupted run waits for the answer that tells it the
	// id of the job to cancel.
	createGrace = 5 * time.Second
)

// googleCredentials are those of the environment, as all Google's libraries find them.
func googleCredentials() (*auth.Credentials, error) {
	found, err := credentials.DetectDefault(&credentials.DetectOptions{Scopes: []string{df.CloudPlatformScope}})
	if err != nil {
		return nil, noCredentials(err)
	}
	return found, nil
}

func noCredentials(err error) error {
	return failure.New(failure.Engine, "no usable Google credentials: %w", err).BeforeData().
		WithHint("run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account")
}

func (d dataflowEngine) client(ctx context.Context) (*dataflowClient, error) {
	found, err := googleCredentials()
	if err != nil {
		return nil, err
	}
	options := []option.ClientOption{option.WithAuthCredentials(found), option.WithUserAgent("hyperlake")}
	if d.options.Endpoint != "" {
		options = append(options, option.WithEndpoint(d.options.Endpoint))
	}
	service, err := df.NewService(context.WithoutCancel(ctx), options...)
	if err != nil {
		return nil, failure.New(failure.Engine, "make a client of Dataflow: %w", err)
	}
	return &dataflowClient{service.Projects.Locations.Jobs, d.options.Project, d.options.Region}, nil
}

// console is where people look at a job, or at all of them where it has no id.
func (c *dataflowClient) console(id string) string {
	path := ""
	if id != "" {
		path = "/" + c.region + "/" + id
	}
	return fmt.Sprintf("https://console.cloud.google.com/dataflow/jobs%s?project=%s", path, c.project)
}

// create makes a job and returns its id. Once it is under way, the end of ctx leaves it a
// moment to learn the id.
func (c *dataflowClient) create(ctx context.Context, job *df.Job) (string, error) {
	ctx, cancel := outlive(ctx, createGrace)
	defer cancel()
	attempts := 0
	var id string
	err := c.call(ctx, createPatience, func(ctx context.Context) error {
		attempts++
		made, err := c.jobs.Create(c.project, c.region, job).Context(ctx).Do()
		if hasStatus(err, http.StatusConflict) && attempts > 1 {
			made, err = c.find(ctx, job.Name) // the answer to an earlier attempt was lost
		}
		if err == nil {
			id = made.Id
		}
		return err
	})
	return id, err
}

// find returns the job of that name, be it one that has ended.
func (c *dataflowClient) find(ctx context.Context, name string) (*df.Job, error) {
	answer, err := c.jobs.List(c.project, c.region).Name(name).Context(ctx).Do()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(answer.Jobs, func(job *df.Job) bool { return job.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("a job of the name %s was made, but is not listed", name)
	}
	return answer.Jobs[i], nil
}

// state is what the service calls the state of a job.
func (c *dataflowClient) state(ctx context.Context, id string) (state string, err error) {
	err = c.call(ctx, patience, func(ctx context.Context) error {
		job, err := c.jobs.Get(c.project, c.region, id).Context(ctx).Do()
		if err == nil {
			state = job.CurrentState
		}
		return err
	})
	if err != nil {
		return "", c.explain("ask for the state of the job", err)
	}
	return state, nil
}

// cancel has the service end a job, and returns when it has begun to.
func (c *dataflowClient) cancel(id string) error {
	ctx, done := context.WithTimeout(context.Background(), cancelDeadline)
	defer done()
	asked := c.call(ctx, cancelDeadline, func(ctx context.Context) error {
		_, err := c.jobs.Update(c.project, c.region, id, &df.Job{RequestedState: "JOB_STATE_CANCELLED"}).Context(ctx).Do()
		return err
	})
	for {
		state, err := c.state(ctx, id)
		switch {
		case err != nil:
			return errors.Join(asked, err)
		case state == "JOB_STATE_CANCELLING" || hasEnded(state):
			return nil
		case asked != nil:
			return c.explain("cancel the job", asked)
		}
		if err := gax.Sleep(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// call makes a request, and repeats it as long as that can help.
func (c *dataflowClient) call(ctx context.Context, patience time.Duration, request func(context.Context) error) error {
	deadline := time.Now().Add(patience)
	pause := gax.Backoff{Initial: 500 * time.Millisecond, Max: 30 * time.Second, Multiplier: 2}
	for {
		err := limited(ctx, request)
		wait := pause.Pause()
		if err == nil || ctx.Err() != nil || !mayPass(err) || time.Now().Add(wait).After(deadline) {
			return err
		}
		if err := gax.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// limited makes a request that does not hang.
func limited(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return request(ctx)
}

// mayPass says whether the same request may succeed later: the service is not well, is
// asked too often, or was not reached.
func mayPass(err error) bool {
	var refused *googleapi.Error
	var token *auth.Error
	switch {
	case errors.As(err, &refused):
		return refused.Code == http.StatusTooManyRequests || refused.Code >= 500
	case errors.As(err, &token):
		return token.Temporary()
	}
	return true
}

func hasStatus(err error, status int) bool {
	var refused *googleapi.Error
	return errors.As(err, &refused) && refused.Code == status
}

// outlive returns a context that ends a while after ctx.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}
