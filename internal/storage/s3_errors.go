package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func noS3Credentials(err error) error {
	return hinted{
		error: fmt.Errorf("no usable credentials for S3: %w", err),
		hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile of ~/.aws/config " +
			"(run `aws sso login` where it signs on), or run where the machine has a role; " +
			"set " + publicVariable + "=yes to read buckets that everybody may read",
		environment: true,
	}
}

func noS3Region() error {
	return hinted{
		error:       errors.New("the region of S3 is not known"),
		hint:        "set AWS_REGION to the region of the bucket, or `region` in the profile",
		environment: true,
	}
}

func badS3Configuration(err error) error {
	return hinted{
		error:       fmt.Errorf("read the configuration of AWS: %w", err),
		hint:        "check ~/.aws/config, ~/.aws/credentials, and the variables AWS_PROFILE, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
		environment: true,
	}
}

// noS3Permission says what is missing, as far as the service tells.
func noS3Permission(bucket string, err error) error {
	hint := fmt.Sprintf("allow the account that is used s3:ListBucket on the bucket %[1]s, s3:GetObject on %[1]s/* to read, "+
		"also s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload to write; "+
		"where whoever asks pays, set %[2]s=requester", bucket, payerVariable)
	if saysYes(publicVariable) {
		hint = "not everybody may do that in the bucket " + bucket + ": unset " + publicVariable + ", and set credentials that allow it"
	} else if strings.Contains(strings.ToLower(err.Error()), "kms:") {
		hint = "allow the account that is used kms:Decrypt with the key of the bucket " + bucket + " to read, also kms:GenerateDataKey to write"
	}
	return hinted{error: fmt.Errorf("%w: %w", fs.ErrPermission, err), hint: hint}
}

func otherRegion(bucket, region string, err error) error {
	hint := "set AWS_REGION to the region of the bucket, or the endpoint to where it is"
	if region != "" {
		hint = "set AWS_REGION=" + region
	}
	return hinted{error: fmt.Errorf("the bucket %s is in another region: %w", bucket, err), hint: hint}
}

// amazonStatus is where to look when it does not recover.
const amazonStatus = "check the network, and the status of Amazon S3 or of the service at AWS_ENDPOINT_URL, then run again"

// s3Refusals are answers that stay until somebody does something, by what the service calls them, with what to do.
var s3Refusals = map[string]string{
	"ExpiredToken":         "the credentials have expired: sign on again (`aws sso login`), or renew AWS_SESSION_TOKEN",
	"TokenRefreshRequired": "the credentials have expired: sign on again (`aws sso login`), or renew AWS_SESSION_TOKEN",
	"InvalidObjectState": "the object is in an archive (Glacier): restore it, which takes hours (`aws s3api restore-object`), " +
		"or leave it out of the source",
	"RequestTimeTooSkewed": "set the clock of this machine, which is more than 15 minutes away from that of the service",
	"EntityTooLarge":       "write less into one object",
	"QuotaExceeded":        "make room in the bucket",
	"NotImplemented": "use a service that knows conditional requests (If-Match and If-None-Match) for writing and removing: " +
		"without them, two runs could write one file",
	"KMS.DisabledException":          "enable the key of the bucket in KMS",
	"KMS.NotFoundException":          "check the key of the bucket in KMS",
	"KMS.InvalidStateException":      "check the key of the bucket in KMS",
	"KMS.KMSInvalidStateException":   "check the key of the bucket in KMS",
	"ServerSideEncryptionKeyMissing": "check the encryption of the bucket",
}

// explain turns an error of the library into one that names uri and that callers can
// test. When ctx is done, that is the error: the library reports it in several ways.
func (a *amazon) explain(ctx context.Context, uri string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", uri, ctx.Err())
	}
	at, _ := a.locate(uri) // it was before
	return fmt.Errorf("%s: %w", uri, a.explainCause(ctx, at.bucket, err))
}

func (a *amazon) explainCause(ctx context.Context, bucket string, err error) error {
	var known hinted
	var unknown *net.DNSError
	status, region := s3Status(err), ""
	if client, failed := a.client(ctx, bucket); failed == nil {
		region = client.Options().Region
	}
	switch {
	case errors.As(err, &known) || errors.Is(err, ErrChanged):
		return err
	case hasCode(err, "NoSuchBucket"):
		return noBucket(bucket)
	case hasCode(err, "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken") || status == http.StatusUnauthorized:
		return noS3Credentials(err)
	case tellsOtherRegion(region, err):
		return otherRegion(bucket, regionIn(err), err)
	case status == http.StatusNotFound:
		return fs.ErrNotExist
	case status == http.StatusPreconditionFailed:
		return ErrChanged
	}
	if hint, found := s3Refusals[s3Code(err)]; found {
		return hinted{error: err, hint: hint}
	}
	switch {
	case status == http.StatusForbidden:
		return noS3Permission(bucket, err)
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return hinted{error: err, hint: "check AWS_ENDPOINT_URL and AWS_REGION, and that this machine resolves the name"}
	case errors.Is(err, context.DeadlineExceeded) || s3MayRecover(err):
		return unavailable(err, amazonStatus)
	}
	return err
}

// explained are credentials whose absence says what to do.
type explained struct{ aws.CredentialsProvider }

// Retrieve is that of aws.CredentialsProvider.
func (e explained) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := e.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = noS3Credentials(err)
	}
	return found, err
}
