package storage

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // it finds damage, and keeps nobody out
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/google/uuid"
)

const blocksOfOneSize = 10_000 // after which they are twice as long; a blob has at most 50,000

// create begins to write a block blob: one request where it fits into a chunk, else blocks that the last request makes a blob of.
// Blocks that none was made of are seen by nobody, and removed by the service after a week; there is no request for it.
//
// The answer to the last request may be lost, and the request that repeats it find its condition broken by itself: the Writer
// then recognises its blob by a random mark. Another program that writes the blob meanwhile has the service forget the blocks:
// Commit then looks at what stands there, and fails as its condition does, else with errUploadGone.
func (a *azure) create(ctx context.Context, p address, condition Condition, chunk int) (Writer, error) {
	uri := a.uri(p)
	client, err := a.blob(ctx, p)
	if err != nil {
		return nil, a.explain(ctx, uri, err)
	}
	uploading, cancel := context.WithCancelCause(ctx)
	return &azureWriter{
		store: a, ctx: ctx, address: p, uri: uri, condition: condition, client: client, mark: uuid.New(), chunk: chunk,
		uploading: uploading, cancel: cancel, sum: md5.New(), //nolint:gosec // see above
	}, nil
}

type azureWriter struct {
	store     *azure
	ctx       context.Context // of Create
	address   address
	uri       string
	condition Condition
	client    *blockblob.Client
	mark      uuid.UUID
	chunk     int
	uploading context.Context // part of ctx
	cancel    context.CancelCauseFunc

	held   []byte   // that are not sent
	blocks []string // that are sent, by their IDs
	size   int64
	sum    hash.Hash // of all bytes
	done   bool      // committed or aborted
}

// blockSize is how long a block is after that many others. With chunks of 8 MiB, 50,000 blocks are 2.3 TiB.
func blockSize(chunk, blocks int) int { return chunk << min(blocks/blocksOfOneSize, 4) }

// Write implements [Writer]. It returns when the bytes are in memory or sent.
func (w *azureWriter) Write(p []byte) (n int, err error) {
	for n < len(p) {
		most := blockSize(w.chunk, len(w.blocks))
		if len(w.held) == most {
			if err := w.stage(); err != nil {
				return n, w.fail(err)
			}
			continue
		}
		piece := p[n:min(len(p), n+most-len(w.held))]
		w.held = append(w.held, piece...)
		_, _ = w.sum.Write(piece) // which never fails
		n += len(piece)
		w.size += int64(len(piece))
	}
	return n, nil
}

// stage sends what is held as a block. It is safe to repeat.
func (w *azureWriter) stage() error {
	id := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(w.mark[:], uint32(len(w.blocks)))) //nolint:gosec // at most 50,000
	sum := md5.Sum(w.held)                                                                                   //nolint:gosec // see above
	err := w.watch(func() error {
		_, err := w.client.StageBlock(w.uploading, id, streaming.NopCloser(bytes.NewReader(w.held)), &blockblob.StageBlockOptions{
			TransactionalValidation: blob.TransferValidationTypeMD5(sum[:]),
		})
		return err
	})
	if err == nil {
		w.blocks = append(w.blocks, id)
		w.held = w.held[:0]
	}
	return err
}

// watch ends the upload when a request hangs, for a silent server is not an error that is retried.
func (w *azureWriter) watch(step func() error) error {
	hangs := time.AfterFunc(w.store.options.Retry.limit(), func() { w.cancel(errStalled) })
	defer hangs.Stop()
	return step()
}

// Abort implements [Writer].
func (w *azureWriter) Abort() {
	if !w.done {
		w.done = true
		w.cancel(nil)
	}
}

// Commit implements [Writer].
func (w *azureWriter) Commit() (Info, error) {
	if w.done {
		return Info{}, fmt.Errorf("%s: the write ended before: %w", w.uri, fs.ErrClosed)
	}
	w.done = true
	defer w.cancel(nil)
	var info Info
	err := w.watch(func() (err error) {
		info, err = w.complete()
		return err
	})
	if wasRefused(err) || bloberror.HasCode(err, bloberror.InvalidBlockList) {
		return w.findAgain(err)
	}
	if err != nil {
		return Info{}, w.fail(err)
	}
	return info, nil
}

// complete makes the blob, from what is held or from the blocks.
func (w *azureWriter) complete() (Info, error) {
	marked := map[string]*string{azureWriteKey: new(w.mark.String())}
	kind, whole := "application/octet-stream", w.sum.Sum(nil)
	headers := &blob.HTTPHeaders{BlobContentType: &kind, BlobContentMD5: whole}
	if len(w.blocks) == 0 {
		made, err := w.client.Upload(w.uploading, streaming.NopCloser(bytes.NewReader(w.held)), &blockblob.UploadOptions{
			HTTPHeaders: headers, Metadata: marked, AccessConditions: azureConditions(w.condition),
			TransactionalValidation: blob.TransferValidationTypeMD5(whole),
		})
		return asInfo(w.uri, w.size, made.ETag, made.LastModified), err
	}
	if len(w.held) > 0 {
		if err := w.stage(); err != nil {
			return Info{}, err
		}
	}
	made, err := w.client.CommitBlockList(w.uploading, w.blocks, &blockblob.CommitBlockListOptions{
		HTTPHeaders: headers, Metadata: marked, AccessConditions: azureConditions(w.condition),
	})
	return asInfo(w.uri, w.size, made.ETag, made.LastModified), err
}

// azureConditions are those of a request that writes.
func azureConditions(condition Condition) *blob.AccessConditions {
	switch {
	case condition.absent:
		none := azcore.ETagAny
		return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &none}}
	case condition.unchanged != nil:
		return onlyIf(condition.unchanged.Version)
	}
	return nil
}

// findAgain finds out whether a broken condition was broken by this very write, and of blocks that are gone whether the condition holds.
func (w *azureWriter) findAgain(refused error) (Info, error) {
	limited, cancel := context.WithTimeout(w.ctx, w.store.options.Retry.limit())
	defer cancel()
	found, mark, err := w.store.describe(limited, w.address)
	isThere, isMissing := err == nil, hasAzureStatus(err, http.StatusNotFound)
	switch unchanged := w.condition.unchanged; {
	case isThere && mark == w.mark.String():
		return found.info(w.uri), nil
	case wasRefused(refused):
	case w.condition.absent && isThere:
		return Info{}, fmt.Errorf("%s: %w", w.uri, ErrExists)
	case unchanged != nil && (isMissing || isThere && found.version != unchanged.Version):
		return Info{}, fmt.Errorf("%s: %w", w.uri, ErrChanged)
	}
	return Info{}, w.fail(refused)
}

// fail explains an error of the upload.
func (w *azureWriter) fail(err error) error {
	switch {
	case wasRefused(err) && w.condition.absent:
		return fmt.Errorf("%s: %w", w.uri, ErrExists)
	case wasRefused(err):
		return fmt.Errorf("%s: %w", w.uri, ErrChanged)
	case errors.Is(context.Cause(w.uploading), errStalled):
		return fmt.Errorf("%s: %w", w.uri, unavailable(errStalled, azureStatus))
	}
	return w.store.explain(w.ctx, w.uri, err)
}
