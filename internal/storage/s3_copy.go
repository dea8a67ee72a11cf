package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	copiedPart   = 1 << 30 // bytes that the service copies in one request
	copiesAtOnce = 4
)

// copy makes the object as an upload does whose parts the service takes from another object: that has one last request, with a
// condition and a mark by which it is known again, and no limit at 5 GiB.
func (a *amazon) copy(ctx context.Context, info Info, uri string, condition Condition) (Info, error) {
	from, err := a.locate(info.URI)
	if err != nil {
		return Info{}, err
	}
	to, err := a.locate(uri)
	if err != nil {
		return Info{}, err
	}
	w := a.newWriter(ctx, to, condition, 0)
	defer w.Abort()
	if info.Size == 0 { // of which there are no parts
		found, err := a.look(ctx, from)
		if err == nil && !found.SameVersion(info) {
			err = fmt.Errorf("%s: %w", info.URI, ErrChanged)
		}
		if err != nil {
			return Info{}, err
		}
		return w.Commit()
	}
	if err := w.begin(); err != nil {
		return Info{}, w.fail(err)
	}
	if err := w.copyParts(from, info); err != nil {
		return Info{}, err
	}
	return w.Commit()
}

// copyParts takes the parts from an object.
func (w *s3Writer) copyParts(from address, info Info) error {
	w.parts = make([]types.CompletedPart, (info.Size+copiedPart-1)/copiedPart)
	source := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(from.bucket + "/" + from.name))
	group, ctx := errgroup.WithContext(w.ctx)
	group.SetLimit(copiesAtOnce)
	for i := range w.parts {
		number := int32(i + 1) //nolint:gosec // there are at most 5120
		start := int64(i) * copiedPart
		group.Go(func() error {
			sent, err := inRegion(ctx, w.store, w.at.bucket, func(client *s3.Client) (*s3.UploadPartCopyOutput, error) {
				return client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
					Bucket: &w.at.bucket, Key: &w.at.name, UploadId: &w.upload, PartNumber: &number, RequestPayer: payer(),
					CopySource: &source, CopySourceIfMatch: etagOf(info.Version),
					CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", start, min(start+copiedPart, info.Size)-1)),
				}, w.store.unlessSilent(&silence{after: w.store.options.Retry.limit()}))
			})
			if err == nil {
				w.parts[i] = types.CompletedPart{ETag: sent.CopyPartResult.ETag, PartNumber: &number}
			}
			return err
		})
	}
	w.size = info.Size
	if err := group.Wait(); err != nil {
		return w.failCopy(info, err)
	}
	return nil
}

// failCopy tells a source that is not there any more, or is another one, from other errors: the service may complain of a part
// that it does not have.
func (w *s3Writer) failCopy(info Info, failed error) error {
	from, err := w.store.locate(info.URI)
	if err != nil {
		return err
	}
	stands, err := w.store.look(w.ctx, from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("copy %s to %s: %w", info.URI, w.store.uri(w.at), fs.ErrNotExist)
	case err == nil && !stands.SameVersion(info):
		return fmt.Errorf("%s: %w", info.URI, ErrChanged)
	}
	return w.fail(failed)
}
