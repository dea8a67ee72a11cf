package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"cloud.google.com/go/auth"
	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

func noCredentials(err error) error {
	return hinted{
		error:       fmt.Errorf("no usable Google credentials: %w", err),
		hint:        "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account",
		environment: true,
	}
}

func noBucket(bucket string) error {
	return hinted{
		error: fmt.Errorf("the bucket %s does not exist: %w", bucket, fs.ErrNotExist),
		hint:  "check the name of the bucket; hyperlake does not create buckets",
	}
}

func noPermission(bucket string, err error) error {
	return hinted{
		error: fmt.Errorf("%w: %w", fs.ErrPermission, err),
		hint: fmt.Sprintf("grant the account that is used the role Storage Object Viewer on the bucket %s to read, "+
			"Storage Object User to write", bucket),
	}
}

// googleStatus is where to look when it does not recover.
const googleStatus = "check the network and the status of Google Cloud, then run again"

// explain turns an error of the library into one that names uri and that callers can
// test. When ctx is done, that is the error: the library reports it in several ways.
func (g *google) explain(ctx context.Context, uri string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", uri, ctx.Err())
	}
	at, _ := g.locate(uri) // it was before
	var token *auth.Error
	switch {
	case errors.Is(err, gcs.ErrBucketNotExist):
		err = noBucket(at.bucket)
	case errors.Is(err, gcs.ErrObjectNotExist):
		err = fs.ErrNotExist
	case failedCondition(err):
		err = ErrChanged
	case errors.As(err, &token):
		err = noCredentials(err)
	case hasStatus(err, http.StatusUnauthorized):
		err = noCredentials(err)
	case hasStatus(err, http.StatusForbidden):
		err = noPermission(at.bucket, err)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errStalled) || gcs.ShouldRetry(err):
		err = unavailable(err, googleStatus)
	}
	return fmt.Errorf("%s: %w", uri, err)
}

// isNotFound says whether the service did not find what a request names.
func isNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// failedCondition says whether a request was refused because its condition did not hold.
func failedCondition(err error) bool { return hasStatus(err, http.StatusPreconditionFailed) }

func hasStatus(err error, status int) bool {
	var api *googleapi.Error
	return errors.As(err, &api) && api.Code == status
}
