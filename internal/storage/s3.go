package storage

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	s3Scheme = "s3"

	// payerVariable says with the value "requester" that whoever asks pays, for buckets that want it so. Other programs read it too.
	payerVariable = "AWS_REQUEST_PAYER"

	// publicVariable says with the value yes that requests are not signed, for buckets that everybody may read. GDAL reads it too.
	publicVariable = "AWS_NO_SIGN_REQUEST"

	// usualRegion is the one of a service that is not Amazon's, if none is set. Most of them take any.
	usualRegion = "us-east-1"
)

// amazon is Amazon S3, or a service that speaks its protocol, with what the default chain of Amazon's library finds: credentials
// and region of the environment, of a profile, of single sign-on, of a web identity, or of the machine's role.
//
// The version of an object is its ETag. That is the same for the same content, so that an object which was replaced by its
// like has not changed for whoever reads it, replaces it or removes it.
type amazon struct {
	options ObjectsOptions

	mu      sync.Mutex
	clients map[s3Use]*s3.Client
	regions map[s3Place]string // by endpoint and bucket, of those that are not in the region of the environment
}

// s3Place is an endpoint, and a bucket or a region there; an empty one is that of the environment.
type s3Place struct{ endpoint, name string }

// s3Use is what a client is for: a region of an endpoint, with credentials or without.
type s3Use struct {
	s3Place
	isPublic bool
}

// NewS3 returns a Store that differs from that of [For] in its options, and shares no
// connections with it.
func NewS3(options ObjectsOptions) *Objects {
	options = options.filled()
	return &Objects{service: &amazon{options: options, clients: map[s3Use]*s3.Client{}, regions: map[s3Place]string{}}, options: options}
}

// endpoint is the one that is set now; empty is that of the profile, or Amazon's own.
func (a *amazon) endpoint() string {
	return cmp.Or(a.options.Endpoint, os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))
}

// client returns the client of the endpoint that is set now, for the region of a bucket as far as it is known. Making one fails where
// the configuration cannot be read or has no region, and is tried again at the next use.
func (a *amazon) client(ctx context.Context, bucket string) (*s3.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	endpoint := a.endpoint()
	a.mu.Lock()
	defer a.mu.Unlock()
	use := s3Use{s3Place{endpoint, a.regions[s3Place{endpoint, bucket}]}, saysYes(publicVariable)}
	if client, found := a.clients[use]; found {
		return client, nil
	}
	found, err := config.LoadDefaultConfig(context.WithoutCancel(ctx), // it outlives this call
		config.WithAppID("hyperlake"),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = 4 * maxRequests
		})),
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	)
	if err != nil {
		return nil, badS3Configuration(err)
	}
	client := s3.NewFromConfig(found, func(o *s3.Options) {
		if a.options.Endpoint != "" {
			o.BaseEndpoint = &a.options.Endpoint
		}
		if o.BaseEndpoint != nil {
			o.UsePathStyle = wantsPath(*o.BaseEndpoint)
			o.Region = cmp.Or(o.Region, usualRegion)
		}
		o.Region = cmp.Or(use.name, o.Region)
		o.Credentials = explained{o.Credentials}
		if use.isPublic {
			o.Credentials = aws.AnonymousCredentials{}
		}
		o.RetryMaxAttempts = 0 // each request has its own patience
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	if client.Options().Region == "" {
		return nil, noS3Region()
	}
	a.clients[use] = client
	return client, nil
}

// saysYes says whether a variable of the environment has one of the values that mean yes.
func saysYes(variable string) bool {
	switch strings.ToLower(os.Getenv(variable)) {
	case "yes", "true", "on", "1":
		return true
	}
	return false
}

// wantsPath says whether the bucket stands in the path of requests to an endpoint, not before the name of its host: so it does
// everywhere but at Amazon's own, for that needs no name for each bucket, nor a certificate for it.
func wantsPath(endpoint string) bool {
	at, err := url.Parse(endpoint)
	if err != nil {
		return true // the request itself says what is wrong
	}
	host := at.Hostname()
	return !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn")
}

func (a *amazon) locate(uri string) (address, error) {
	return locateIn(s3Scheme, uri, "s3://bucket/key")
}

func (a *amazon) uri(at address) string { return at.uri(s3Scheme) }

// payer says who pays for a request.
func payer() types.RequestPayer { return types.RequestPayer(os.Getenv(payerVariable)) }

// page has the names encoded, for XML cannot hold all of them.
func (a *amazon) page(ctx context.Context, bucket string, asked query, token string) (page []entry, next string, err error) {
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &asked.prefix, EncodingType: types.EncodingTypeUrl, RequestPayer: payer()}
	if asked.flat {
		in.Delimiter = aws.String("/")
	}
	if token != "" {
		in.ContinuationToken = &token
	}
	found, err := inRegion(ctx, a, bucket, func(client *s3.Client) (*s3.ListObjectsV2Output, error) {
		return client.ListObjectsV2(ctx, in, a.short())
	})
	if err != nil {
		return nil, "", err
	}
	name := plainNames(found.EncodingType, &err)
	for _, object := range found.Contents {
		page = append(page, entry{
			name: name(object.Key), size: aws.ToInt64(object.Size), modified: aws.ToTime(object.LastModified), version: versionOf(object.ETag),
		})
	}
	for _, folder := range found.CommonPrefixes {
		page = append(page, entry{folder: name(folder.Prefix)})
	}
	if aws.ToBool(found.IsTruncated) {
		next = aws.ToString(found.NextContinuationToken)
	}
	return page, next, err
}

// versionOf is an ETag, which some services have quotes around and some have not.
func versionOf(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

// etagOf is the ETag of a version.
func etagOf(version string) *string { return aws.String(`"` + version + `"`) }

func (a *amazon) attributes(ctx context.Context, at address) (entry, error) {
	found, err := a.head(ctx, at)
	if err != nil {
		return entry{}, err
	}
	return headEntry(at, found), nil
}

func (a *amazon) head(ctx context.Context, at address) (*s3.HeadObjectOutput, error) {
	return inRegion(ctx, a, at.bucket, func(client *s3.Client) (*s3.HeadObjectOutput, error) {
		return client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &at.bucket, Key: &at.name, RequestPayer: payer()}, a.short())
	})
}

func headEntry(at address, found *s3.HeadObjectOutput) entry {
	return entry{
		name: at.name, size: aws.ToInt64(found.ContentLength), modified: aws.ToTime(found.LastModified), version: versionOf(found.ETag),
	}
}

func (a *amazon) remove(ctx context.Context, at address, version string) error {
	_, err := inRegion(ctx, a, at.bucket, func(client *s3.Client) (*s3.DeleteObjectOutput, error) {
		return client.DeleteObject(ctx, &s3.DeleteObjectInput{
			Bucket: &at.bucket, Key: &at.name, IfMatch: etagOf(version), RequestPayer: payer(),
		}, a.short())
	})
	return err
}
