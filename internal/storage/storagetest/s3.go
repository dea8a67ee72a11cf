//go:build stores || flink

package storagetest

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What [S3] takes as credentials.
const (
	S3AccessKey = "tester"
	S3SecretKey = "a secret key only for tests" //nolint:gosec // of a server on loopback
	S3Region    = "eu-central-1"
)

const versitygw = "versitygw-v1.8.0" // as in the Makefile

// S3 is an object store that speaks the protocol of Amazon S3 on loopback: versitygw, which keeps objects as files of a
// temporary folder, behind a proxy that counts requests, injects [Faults], and encodes the names in a listing where that
// is asked for, which the former does not.
//
// It differs from the service in this: an object cannot have the name of a folder that holds others; // in a name is /;
// uploads that were completed are completed again with the same answer, where others say that there is no such upload
// (inject that); a deletion whose condition asks for a version of what is not there succeeds. There are no limits, no
// quotas, no storage classes, and no redirects to other regions.
type S3 struct {
	*Faults
	URL    string // for AWS_ENDPOINT_URL, here or in another process
	Bucket string // URI of a bucket, empty at first

	t      testing.TB
	client *s3.Client
}

// StartS3 starts an object store that lives as long as the test.
func StartS3(t testing.TB) *S3 {
	address := "127.0.0.1:" + freePort(t)
	cmd := exec.Command(installed(t, versitygw), "--region", S3Region, "--port", address, "--quiet", "posix", t.TempDir())
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+S3AccessKey, "ROOT_SECRET_ACCESS_KEY="+S3SecretKey)
	next := startProcess(t, address, cmd)
	proxy, faults := startProxy(t, s3Protocol{}, encodesNames{next})
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + address), UsePathStyle: true, Region: S3Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: S3AccessKey, SecretAccessKey: S3SecretKey}, nil
		}),
	})
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	require.NoError(t, err)
	return &S3{Faults: faults, URL: proxy, Bucket: "s3://" + bucket, t: t, client: client}
}

// FakeS3 starts an object store and makes s3:// lead there for the rest of the test, in
// this process and in those that it starts. A test that runs in parallel with others uses
// [StartS3] and storage.NewS3 instead.
func FakeS3(t testing.TB) (bucketURI string, faults *Faults) {
	server := StartS3(t)
	for _, variable := range server.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	return server.Bucket, server.Faults
}

// Environment makes s3:// lead to the store in a process that has it.
func (s *S3) Environment() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.URL, "AWS_ACCESS_KEY_ID=" + S3AccessKey, "AWS_SECRET_ACCESS_KEY=" + S3SecretKey, "AWS_REGION=" + S3Region,
	}
}

// CreateObject makes an object without a request that is counted.
func (s *S3) CreateObject(name string, data []byte) {
	_, err := s.client.PutObject(context.WithoutCancel(s.t.Context()), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(name), Body: bytes.NewReader(data),
	})
	assert.NoError(s.t, err) // perhaps in the middle of a request
}

// MakePublic lets everybody list and read the bucket.
func (s *S3) MakePublic() {
	policy := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["s3:ListBucket", "s3:GetObject"],
		"Resource": ["arn:aws:s3:::` + bucket + `", "arn:aws:s3:::` + bucket + `/*"]}]}`
	_, err := s.client.PutBucketPolicy(s.t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: &policy})
	require.NoError(s.t, err)
}

// Uploads are the names of the objects of which uploads were begun and neither completed nor aborted.
func (s *S3) Uploads() []string {
	found, err := s.client.ListMultipartUploads(s.t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	require.NoError(s.t, err)
	var names []string
	for _, upload := range found.Uploads {
		names = append(names, aws.ToString(upload.Key))
	}
	return names
}

// Contents are the bytes of all objects.
func (s *S3) Contents() []byte {
	var all bytes.Buffer
	for pager := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)}); pager.HasMorePages(); {
		page, err := pager.NextPage(s.t.Context())
		require.NoError(s.t, err)
		for _, object := range page.Contents {
			got, err := s.client.GetObject(s.t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: object.Key})
			require.NoError(s.t, err)
			_, err = all.ReadFrom(got.Body)
			require.NoError(s.t, errors.Join(err, got.Body.Close()))
		}
	}
	return all.Bytes()
}

// encodesNames encodes the names in listings, so that XML can hold them all.
type encodesNames struct{ http.Handler }

var namesInListing = regexp.MustCompile(`<(Key|Prefix|Delimiter)>([^<]*)</`)

func (e encodesNames) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Query().Get("encoding-type") != "url" {
		e.Handler.ServeHTTP(w, r)
		return
	}
	plain := httptest.NewRecorder()
	e.Handler.ServeHTTP(plain, r)
	text := namesInListing.ReplaceAllStringFunc(plain.Body.String(), func(element string) string {
		parts := namesInListing.FindStringSubmatch(element)
		encoded := strings.ReplaceAll(url.QueryEscape(html.UnescapeString(parts[2])), "%2F", "/")
		return "<" + parts[1] + ">" + encoded + "</"
	})
	if end := strings.LastIndex(text, "</List"); end >= 0 {
		text = text[:end] + "<EncodingType>url</EncodingType>" + text[end:]
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(plain.Code)
	_, _ = io.WriteString(w, text) // the client may have gone
}

// s3Protocol is that of Amazon S3, with the bucket in the path.
type s3Protocol struct{}

func (s3Protocol) classify(r *http.Request) (Operation, string) {
	_, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	switch {
	case name == "":
		return List, query.Get("prefix")
	case r.Method == http.MethodHead:
		return Stat, name
	case r.Method == http.MethodGet:
		return Read, name
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		return Abort, name
	case r.Method == http.MethodDelete:
		return Delete, name
	case r.Method == http.MethodPost && query.Has("uploadId"):
		return Complete, name
	}
	return Write, name
}

// s3Codes are what the service calls an answer, where it has one usual name.
var s3Codes = map[int]string{
	http.StatusUnauthorized:        "AccessDenied",
	http.StatusForbidden:           "AccessDenied",
	http.StatusTooManyRequests:     "TooManyRequests",
	http.StatusInternalServerError: "InternalError",
	http.StatusServiceUnavailable:  "SlowDown",
}

func (s3Protocol) refuse(w http.ResponseWriter, status int, code string) {
	if code == "" {
		code = s3Codes[status]
	}
	refuseInXML(w, status, code)
}

// refuseInXML answers with an error as S3 and Azure have it.
func refuseInXML(w http.ResponseWriter, status int, code string) {
	answer := struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: code, Message: http.StatusText(status)}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(answer) // the client may have gone
}

func (s3Protocol) allows(http.ResponseWriter, *http.Request, http.Handler) bool { return true }
