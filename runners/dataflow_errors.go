package runners

import (
	"errors"
	"net/http"
	"strings"

	"cloud.google.com/go/auth"
	"google.golang.org/api/googleapi"

	"hyperlake/internal/failure"
)

// explain turns an error of the service into one that says what to do.
func (c *dataflowClient) explain(what string, err error) error {
	var token *auth.Error
	if errors.As(err, &token) {
		return noCredentials(err)
	}
	var refused *googleapi.Error
	if !errors.As(err, &refused) {
		return failure.New(failure.Engine, "%s: Dataflow was not reached: %w", what, err).Retryable().
			WithHint("check the network, then run again")
	}
	message := refused.Message
	if message == "" {
		message = http.StatusText(refused.Code)
	}
	e := failure.New(failure.Engine, "%s: Dataflow refused it with status %d: %s", what, refused.Code, message)
	switch {
	case refused.Code == http.StatusTooManyRequests, mentionsQuota(message):
		return e.Retryable().WithHint("wait for other jobs to end, "+
			"or ask for more at https://console.cloud.google.com/iam-admin/quotas?project=%s", c.project)
	case refused.Code == http.StatusUnauthorized:
		return noCredentials(e)
	case refused.Code == http.StatusForbidden:
		return e.WithHint("enable the Dataflow API in the project %s, and grant the account that is used "+
			"the roles Dataflow Developer there and Service Account User on the account of the workers", c.project)
	case refused.Code == http.StatusNotFound:
		return e.WithHint("check runner.dataflow.project (%s) and runner.dataflow.region (%s)", c.project, c.region)
	case refused.Code >= 500:
		return e.Retryable().WithHint("check the status of Google Cloud, then run again")
	}
	return e.WithHint("correct the section runner.dataflow; `--dry-run` prints the job that is sent")
}

func mentionsQuota(message string) bool { return strings.Contains(strings.ToLower(message), "quota") }
