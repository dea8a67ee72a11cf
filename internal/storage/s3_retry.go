package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// slowing is how many times longer the pauses are where the service says that it is asked too often.
const slowing = 4

// s3Transient are errors that pass, beside those that the library knows.
var s3Transient = retry.RetryableErrorCode{Codes: map[string]struct{}{
	"InternalError": {}, "ServiceUnavailable": {},
	"OperationAborted": {}, "ConditionalRequestConflict": {}, // another request for that name is on its way
}}

// s3MayRecover says whether the same request may succeed later.
func s3MayRecover(err error) bool {
	return errors.Is(err, errStalled) || errors.Is(err, io.ErrUnexpectedEOF) || s3Transient.IsErrorRetryable(err).Bool() ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool()
}

// s3Retryer repeats one request, as long as the bounds of Retry allow.
type s3Retryer struct {
	aws.NopRetryer
	bounds  Retry
	alive   func()
	failing time.Time // since when; zero before the first failure
}

// patiently repeats a request whose error may pass, and tells alive of each error.
func (a *amazon) patiently(alive func()) func(*s3.Options) {
	return func(o *s3.Options) { o.Retryer = &s3Retryer{bounds: a.options.Retry, alive: alive} }
}

// MaxAttempts is that of aws.Retryer: any number of them.
func (*s3Retryer) MaxAttempts() int { return 0 }

// IsErrorRetryable is that of aws.Retryer.
func (r *s3Retryer) IsErrorRetryable(err error) bool {
	if r.alive != nil {
		r.alive()
	}
	if r.failing.IsZero() {
		r.failing = time.Now()
	}
	return s3MayRecover(err) && time.Since(r.failing) < r.bounds.Total
}

// RetryDelay is that of aws.Retryer: a random pause, whose limit doubles, and at least what the service asks for.
func (r *s3Retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	slower := time.Duration(1)
	if retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool() {
		slower = slowing
	}
	_, header := answered(err)
	return max(r.bounds.delay(attempt-1, slower), min(RetryAfter(header), r.bounds.Total)), nil
}

// silence ends an attempt at a request that sends nothing and gets no answer for a while, so that it is repeated. The answer
// must be short, for its bytes are no sign of life.
type silence struct {
	after time.Duration
	timer atomic.Pointer[time.Timer] // of the attempt
}

// short is for requests that are answered at once.
func (a *amazon) short() func(*s3.Options) {
	return a.unlessSilent(&silence{after: a.options.Retry.Stall})
}

// unlessSilent repeats a request as patiently does, and also where the service is silent.
func (a *amazon) unlessSilent(s *silence) func(*s3.Options) {
	patiently := a.patiently(nil)
	return func(o *s3.Options) {
		patiently(o)
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Silence", s.attempt), "Retry", middleware.After)
		})
	}
}

func (s *silence) attempt(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (out middleware.FinalizeOutput, metadata middleware.Metadata, err error) {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(s.after, func() { cancel(errStalled) })
	defer timer.Stop()
	s.timer.Store(timer)
	out, metadata, err = next.HandleFinalize(limited, in)
	if err != nil && errors.Is(context.Cause(limited), errStalled) {
		err = fmt.Errorf("%w: %v", errStalled, err) //nolint:errorlint // it is that of a cancelled context
	}
	return out, metadata, err
}

// heard are the bytes of a request, whose sending is a sign of life.
type heard struct {
	io.ReadSeeker
	silence *silence
}

// Read implements io.Reader.
func (h heard) Read(p []byte) (int, error) {
	if timer := h.silence.timer.Load(); timer != nil {
		timer.Reset(h.silence.after)
	}
	return h.ReadSeeker.Read(p)
}

// hasCode says whether the service calls an error by one of these names.
func hasCode(err error, codes ...string) bool { return slices.Contains(codes, s3Code(err)) }

// s3Code is what the service calls an error, empty if it is none of the service.
func s3Code(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return api.ErrorCode()
}

// answered is the head of an answer that is an error; the status is 0 if there is none.
func answered(err error) (status int, header http.Header) {
	var failed *smithyhttp.ResponseError
	if !errors.As(err, &failed) || failed.Response == nil || failed.Response.Response == nil {
		return 0, nil
	}
	return failed.Response.StatusCode, failed.Response.Header
}

// s3Status is the status of an answer, 0 if there is none.
func s3Status(err error) int {
	status, _ := answered(err)
	return status
}
