package storage

import (
	"context"
	"net/http"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// inRegion asks for something in a bucket: where the bucket is, if that turns out to be another region than was thought, and is kept in
// mind for the whole process.
func inRegion[T any](ctx context.Context, a *amazon, bucket string, ask func(*s3.Client) (T, error)) (T, error) {
	var none T
	client, err := a.client(ctx, bucket)
	if err != nil {
		return none, err
	}
	found, err := ask(client)
	if err == nil || !tellsOtherRegion(client.Options().Region, err) || !a.findRegion(ctx, client, bucket, err) {
		return found, err
	}
	if client, err = a.client(ctx, bucket); err != nil {
		return none, err
	}
	return ask(client)
}

// tellsOtherRegion says whether an answer to a request that was signed for a region is that the bucket is in another one.
func tellsOtherRegion(region string, err error) bool {
	switch s3Status(err) {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect:
		return true
	case http.StatusBadRequest: // which has no code where it answers a HEAD
		if told := regionIn(err); told != "" && told != region {
			return true
		}
	}
	return hasCode(err, "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
}

// regionName is what a region is called. It becomes a part of the name of a host.
var regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// findRegion finds the region of a bucket in an answer, else by asking for it, and says whether it is another one than that of a client.
func (a *amazon) findRegion(ctx context.Context, client *s3.Client, bucket string, refused error) bool {
	region := regionIn(refused)
	if region == "" {
		found, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket}, a.short())
		if region = regionIn(err); err == nil {
			region = aws.ToString(found.BucketRegion)
		}
	}
	if !regionName.MatchString(region) || region == client.Options().Region {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.regions[s3Place{a.endpoint(), bucket}] = region
	return true
}

// regionIn is the region of the bucket, where an answer tells it.
func regionIn(err error) string {
	_, header := answered(err)
	return header.Get("X-Amz-Bucket-Region")
}
