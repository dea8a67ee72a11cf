package storage

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/uuid"
)

const (
	leastPart      = 5 << 20 // bytes of any part but the last
	partsOfOneSize = 900     // after which they are twice as long; an object has at most 10,000
	abortTime      = 10 * time.Second
)

// partSize is how long a part is after that many others, which is what is in memory: a chunk, and about a thousandth of what was
// written before. So 10,000 parts are more than the 5 TiB that an object may have.
func partSize(chunk, parts int) int { return max(chunk, leastPart) << (parts / partsOfOneSize) }

// create begins to write an object: by one request where it fits into a chunk, else by an upload in parts, which its last
// request makes an object of. Each request has the SHA-256 of its content, so that the service refuses what was damaged on its way.
//
// The answer to the last request may be lost, and the request that repeats it find its condition broken, or the upload gone, by
// itself: the Writer then recognises its object by a random mark.
func (a *amazon) create(ctx context.Context, at address, condition Condition, chunk int) (Writer, error) {
	if _, err := a.client(ctx, at.bucket); err != nil {
		return nil, a.explain(ctx, a.uri(at), err)
	}
	return a.newWriter(ctx, at, condition, chunk), nil
}

func (a *amazon) newWriter(ctx context.Context, at address, condition Condition, chunk int) *s3Writer {
	return &s3Writer{store: a, ctx: ctx, at: at, condition: condition, chunk: chunk, mark: uuid.NewString()}
}

type s3Writer struct {
	store     *amazon
	ctx       context.Context // of Create
	at        address
	condition Condition
	chunk     int
	mark      string

	held   []byte // that are not sent
	size   int64  // of what is sent
	upload string // its ID, once there is one
	parts  []types.CompletedPart
	done   bool // committed or aborted
}

// Write implements [Writer]. It returns when the bytes are in memory or sent.
func (w *s3Writer) Write(p []byte) (n int, err error) {
	for n < len(p) {
		most := partSize(w.chunk, len(w.parts))
		if len(w.held) == most {
			if err := w.sendPart(); err != nil {
				return n, w.fail(err)
			}
			continue
		}
		piece := p[n:min(len(p), n+most-len(w.held))]
		w.held = append(w.held, piece...)
		n += len(piece)
	}
	return n, nil
}

// begin begins an upload in parts.
func (w *s3Writer) begin() error {
	if w.upload != "" {
		return nil
	}
	begun, err := inRegion(w.ctx, w.store, w.at.bucket, func(client *s3.Client) (*s3.CreateMultipartUploadOutput, error) {
		return client.CreateMultipartUpload(w.ctx, &s3.CreateMultipartUploadInput{
			Bucket: &w.at.bucket, Key: &w.at.name, ContentType: aws.String("application/octet-stream"),
			Metadata: map[string]string{writeKey: w.mark}, RequestPayer: payer(),
		}, w.store.short())
	})
	if err == nil {
		w.upload = aws.ToString(begun.UploadId)
	}
	return err
}

// sendPart sends what is held.
func (w *s3Writer) sendPart() error {
	if err := w.begin(); err != nil {
		return err
	}
	number := int32(len(w.parts) + 1) //nolint:gosec // there are at most 10,000
	sent, err := inRegion(w.ctx, w.store, w.at.bucket, func(client *s3.Client) (*s3.UploadPartOutput, error) {
		body := w.heldBody()
		return client.UploadPart(w.ctx, &s3.UploadPartInput{
			Bucket: &w.at.bucket, Key: &w.at.name, UploadId: &w.upload, PartNumber: &number, Body: body, RequestPayer: payer(),
		}, w.store.unlessSilent(body.silence))
	})
	if err != nil {
		return err
	}
	w.parts = append(w.parts, types.CompletedPart{ETag: sent.ETag, PartNumber: &number})
	w.size += int64(len(w.held))
	w.held = w.held[:0]
	return nil
}

func (w *s3Writer) heldBody() heard {
	return heard{bytes.NewReader(w.held), &silence{after: w.store.options.Retry.Stall}}
}

// Abort implements [Writer].
func (w *s3Writer) Abort() {
	if !w.done {
		w.done = true
		w.forget()
	}
}

// forget has the service forget what was uploaded, also where the context has ended. Afterwards nothing of it can appear; where
// that fails, `clean` sweeps it.
func (w *s3Writer) forget() {
	if w.upload == "" {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), min(abortTime, w.store.options.Retry.limit()))
	defer cancel()
	_ = w.store.abort(limited, w.at, w.upload) // see above
}

// Commit implements [Writer].
func (w *s3Writer) Commit() (Info, error) {
	if w.done {
		return Info{}, fmt.Errorf("%s: the write ended before: %w", w.store.uri(w.at), fs.ErrClosed)
	}
	w.done = true
	if w.upload == "" {
		return w.putWhole()
	}
	if len(w.held) > 0 {
		if err := w.sendPart(); err != nil {
			w.forget()
			return Info{}, w.fail(err)
		}
	}
	return w.complete()
}

// conditions are those of the last request.
func (w *s3Writer) conditions() (ifMatch, ifNoneMatch *string) {
	switch {
	case w.condition.absent:
		return nil, aws.String("*")
	case w.condition.unchanged != nil:
		return etagOf(w.condition.unchanged.Version), nil
	}
	return nil, nil
}

// putWhole writes a small object.
func (w *s3Writer) putWhole() (Info, error) {
	ifMatch, ifNoneMatch := w.conditions()
	made, err := inRegion(w.ctx, w.store, w.at.bucket, func(client *s3.Client) (*s3.PutObjectOutput, error) {
		body := w.heldBody()
		return client.PutObject(w.ctx, &s3.PutObjectInput{
			Bucket: &w.at.bucket, Key: &w.at.name, Body: body, ContentType: aws.String("application/octet-stream"),
			Metadata: map[string]string{writeKey: w.mark}, IfMatch: ifMatch, IfNoneMatch: ifNoneMatch, RequestPayer: payer(),
		}, w.store.unlessSilent(body.silence))
	})
	if err != nil {
		return w.afterFailure(err)
	}
	w.size = int64(len(w.held))
	return w.made(made.ETag, made.ResultMetadata)
}

// complete makes an object of the parts. Services that put large ones together may be silent for long.
func (w *s3Writer) complete() (Info, error) {
	ifMatch, ifNoneMatch := w.conditions()
	made, err := inRegion(w.ctx, w.store, w.at.bucket, func(client *s3.Client) (*s3.CompleteMultipartUploadOutput, error) {
		return client.CompleteMultipartUpload(w.ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &w.at.bucket, Key: &w.at.name, UploadId: &w.upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: w.parts},
			IfMatch: ifMatch, IfNoneMatch: ifNoneMatch, RequestPayer: payer(),
		}, w.store.unlessSilent(&silence{after: w.store.options.Retry.limit()}))
	})
	if err != nil {
		w.forget() // so that a request that is still on its way does nothing
		return w.afterFailure(err)
	}
	return w.made(made.ETag, made.ResultMetadata)
}

// made describes the object. The service tells the time of its answer, and not that of the object, which is hardly earlier.
func (w *s3Writer) made(etag *string, answered middleware.Metadata) (Info, error) {
	at, told := awsmiddleware.GetServerTime(answered)
	if etag == nil || !told {
		return w.store.look(w.ctx, w.at)
	}
	return entry{name: w.at.name, size: w.size, modified: at, version: versionOf(etag)}.info(w.store.uri(w.at)), nil
}

// look describes the object that stands there.
func (a *amazon) look(ctx context.Context, at address) (Info, error) {
	found, err := a.attributes(ctx, at)
	return found.info(a.uri(at)), a.explain(ctx, a.uri(at), err)
}

// afterFailure finds out whether the object stands there all the same, where the service refused to make it once more.
func (w *s3Writer) afterFailure(failed error) (Info, error) {
	if w.refusedCondition(failed) || hasCode(failed, "NoSuchUpload") || s3MayRecover(failed) {
		limited, cancel := context.WithTimeout(w.ctx, w.store.options.Retry.limit())
		defer cancel()
		found, err := w.store.head(limited, w.at)
		if err == nil && found.Metadata[writeKey] == w.mark {
			return headEntry(w.at, found).info(w.store.uri(w.at)), nil
		}
	}
	return Info{}, w.fail(failed)
}

// refusedCondition says whether a condition did not hold. That of a version cannot hold where there is no object.
func (w *s3Writer) refusedCondition(err error) bool {
	return s3Status(err) == http.StatusPreconditionFailed || w.condition.unchanged != nil && hasCode(err, "NoSuchKey")
}

// fail explains an error of a request.
func (w *s3Writer) fail(err error) error {
	uri := w.store.uri(w.at)
	switch {
	case w.ctx.Err() != nil:
	case w.refusedCondition(err) && w.condition.absent:
		return fmt.Errorf("%s: %w", uri, ErrExists)
	case w.refusedCondition(err):
		return fmt.Errorf("%s: %w", uri, ErrChanged)
	case hasCode(err, "NoSuchUpload"):
		return fmt.Errorf("%s: %w", uri, hinted{
			error:     errUploadGone,
			hint:      "run again when nothing aborts the uploads of that bucket: neither another program nor a short rule of its lifecycle",
			transient: true,
		})
	}
	return w.store.explain(w.ctx, uri, err)
}
