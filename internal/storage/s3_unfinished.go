package storage

import (
	"context"
	"errors"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (a *amazon) unfinished(ctx context.Context, bucket, prefix string) (found []Unfinished, err error) {
	in := &s3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: &prefix, EncodingType: types.EncodingTypeUrl, RequestPayer: payer()}
	var seen pages
	for {
		page, err := inRegion(ctx, a, bucket, func(client *s3.Client) (*s3.ListMultipartUploadsOutput, error) {
			return client.ListMultipartUploads(ctx, in, a.short())
		})
		if err != nil {
			return nil, err
		}
		name := plainNames(page.EncodingType, &err)
		for _, upload := range page.Uploads {
			found = append(found, Unfinished{
				Begun: aws.ToTime(upload.Initiated).UTC(), at: address{bucket, name(upload.Key)}, id: aws.ToString(upload.UploadId),
			})
		}
		in.KeyMarker, in.UploadIdMarker = aws.String(name(page.NextKeyMarker)), page.NextUploadIdMarker
		if err != nil || !aws.ToBool(page.IsTruncated) {
			return found, err
		}
		if err := seen.turn(*in.KeyMarker + "\x00" + aws.ToString(in.UploadIdMarker)); err != nil {
			return nil, err
		}
	}
}

// plainNames returns what decodes the names of a listing, as far as they are encoded. What cannot be decoded it puts into err.
func plainNames(encoding types.EncodingType, err *error) func(*string) string {
	if encoding != types.EncodingTypeUrl {
		return func(name *string) string { return aws.ToString(name) }
	}
	return func(name *string) string {
		plain, failed := url.QueryUnescape(aws.ToString(name))
		*err = errors.Join(*err, failed)
		return plain
	}
}

func (a *amazon) abort(ctx context.Context, at address, id string) error {
	_, err := inRegion(ctx, a, at.bucket, func(client *s3.Client) (*s3.AbortMultipartUploadOutput, error) {
		return client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: &at.bucket, Key: &at.name, UploadId: &id, RequestPayer: payer(),
		}, a.short())
	})
	if hasCode(err, "NoSuchUpload") {
		return nil
	}
	return err
}
