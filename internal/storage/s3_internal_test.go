package storage

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The largest object fits into the parts that there may be, of which none is too small or too large.
func TestPartsReachTheLargestObject(t *testing.T) {
	const mostParts, largestPart, largestObject = 10_000, 5 << 30, 5 << 40
	for _, chunk := range []int{1, leastPart, 8 << 20} {
		size, parts := 0, 0
		for size < largestObject {
			part := partSize(chunk, parts)
			require.GreaterOrEqual(t, part, leastPart)
			require.LessOrEqual(t, part, largestPart)
			require.LessOrEqual(t, part, max(chunk, leastPart)+size/partsOfOneSize, "what is in memory")
			size += part
			parts++
		}
		assert.LessOrEqual(t, parts, mostParts, chunk)
	}
}

func TestBucketsStandInThePathButAtAmazon(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"http://127.0.0.1:9000":                                             true,
		"http://[::1]:9000":                                                 true,
		"https://minio.example.com/s3":                                      true,
		"https://ACCOUNT.r2.cloudflarestorage.com":                          true,
		"https://s3.eu-central-1.amazonaws.com":                             false,
		"https://s3.cn-north-1.amazonaws.com.cn":                            false,
		"https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com": false,
		"https://amazonaws.com.example.com":                                 true,
	} {
		assert.Equal(t, want, wantsPath(endpoint), endpoint)
	}
}

// At Amazon, the region of a bucket is part of the name of the host.
func TestBucketsAreAskedInTheirRegion(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "",
	} {
		t.Setenv(name, value)
	}
	store := NewS3(ObjectsOptions{}).service.(*amazon)
	store.regions[s3Place{"", "far"}] = "eu-west-3"
	for bucket, region := range map[string]string{"near": "us-west-2", "far": "eu-west-3"} {
		client, err := store.client(t.Context(), bucket)
		require.NoError(t, err)
		asked, err := s3.NewPresignClient(client).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("a")})
		require.NoError(t, err)
		assert.Contains(t, asked.URL, "https://"+bucket+".s3."+region+".amazonaws.com/a?")
	}
}

func TestAnswersOfAnotherRangeAreRefused(t *testing.T) {
	size, err := sizeInRange("bytes 5-9/20", 5)
	require.NoError(t, err)
	assert.EqualValues(t, 20, size)
	for _, part := range []string{"", "bytes 0-9/20", "bytes 5-9/*", "bytes 5-9", "bytes 50-9/100"} {
		_, err := sizeInRange(part, 5)
		require.ErrorContains(t, err, "asked for bytes from 5", part)
		assert.NotEmpty(t, Hint(err))
	}
}

func TestChecksumsOfWholeObjects(t *testing.T) {
	const text = "123456789"
	for name, c := range map[string]struct {
		got  s3.GetObjectOutput
		want bool // there is one
	}{
		"CRC-64/NVME": {s3.GetObjectOutput{ChecksumCRC64NVME: aws.String("rosUhgp5mIg=")}, true},
		"CRC-32C":     {s3.GetObjectOutput{ChecksumCRC32C: aws.String("4waSgw==")}, true},
		"CRC-32":      {s3.GetObjectOutput{ChecksumCRC32: aws.String("y/Q5Jg==")}, true},
		"SHA-256":     {s3.GetObjectOutput{ChecksumSHA256: aws.String("FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=")}, true},
		"MD5":         {s3.GetObjectOutput{ETag: aws.String(`"25f9e794323b453885f5181f1b624d0b"`)}, true},
		"of parts":    {s3.GetObjectOutput{ETag: aws.String(`"25f9e794323b453885f5181f1b624d0b-2"`)}, false},
		"of checksums of parts": {
			s3.GetObjectOutput{ChecksumCRC32C: aws.String("4waSgw=="), ChecksumType: types.ChecksumTypeComposite}, false,
		},
		"encrypted by a key of the customer": {
			s3.GetObjectOutput{ETag: aws.String(`"25f9e794323b453885f5181f1b624d0b"`), ServerSideEncryption: types.ServerSideEncryptionAwsKms}, false,
		},
		"none": {s3.GetObjectOutput{ETag: aws.String(`"some text"`)}, false},
	} {
		sum, kept := keptSum(&c.got)
		require.Equal(t, c.want, sum != nil, name)
		if sum != nil {
			_, err := io.WriteString(sum, text)
			require.NoError(t, err)
			assert.Equal(t, kept, sum.Sum(nil), name)
		}
	}
}

// Pauses grow up to their bound, are longer where the service is asked too often, and at least what it asks for.
func TestPausesBetweenRequests(t *testing.T) {
	bounds := Retry{First: 100 * time.Millisecond, Longest: time.Second, Total: 10 * time.Second}
	r := &s3Retryer{bounds: bounds}
	longest := func(attempt int, err error) (most time.Duration) {
		for range 200 {
			pause, failed := r.RetryDelay(attempt, err)
			require.NoError(t, failed)
			most = max(most, pause)
		}
		return most
	}
	failed := func(code string, header http.Header) error {
		return &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusServiceUnavailable, Header: header}},
			Err:      &smithy.GenericAPIError{Code: code},
		}
	}
	assert.LessOrEqual(t, longest(1, errors.New("any")), bounds.First)
	assert.Greater(t, longest(1, failed("SlowDown", nil)), bounds.First)
	assert.Greater(t, longest(3, errors.New("any")), 2*bounds.First)
	assert.LessOrEqual(t, longest(100, errors.New("any")), bounds.Longest)
	assert.Equal(t, 3*time.Second, longest(1, failed("SlowDown", http.Header{"Retry-After": {"3"}})))
	assert.Equal(t, bounds.Total, longest(1, failed("SlowDown", http.Header{"Retry-After": {strings.Repeat("9", 6)}})))
}
