package tableau

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// upload sends a file in chunks, one after the other, and returns the session that holds
// it. When a chunk may or may not have arrived, sending it again could double it: the
// upload starts over.
func (c *Client) upload(ctx context.Context, file io.ReaderAt, size int64, meter *meter) (string, error) {
	var restarts retries
	for {
		id, err := c.uploadOnce(ctx, file, size, meter)
		if err == nil {
			return id, nil
		}
		if err := c.backOff(ctx, err, restarts.restart); err != nil {
			return "", err
		}
	}
}

func (c *Client) uploadOnce(ctx context.Context, file io.ReaderAt, size int64, meter *meter) (string, error) {
	call := call{action: "begin the upload", method: http.MethodPost, path: "/sites/{site}/fileUploads", repeatable: true}
	reply, err := c.do(ctx, call)
	if err != nil {
		return "", err
	}
	if reply.FileUpload == nil || reply.FileUpload.SessionID == "" {
		return "", c.incomplete(call, reply, "the reply does not name the upload")
	}
	id := reply.FileUpload.SessionID
	for offset := int64(0); offset < size; offset += c.chunkBytes() {
		chunk := &fileRange{source: file, offset: offset, size: min(c.chunkBytes(), size-offset), meter: meter}
		if err := c.sendChunk(ctx, id, chunk); err != nil {
			return "", err
		}
	}
	return id, nil
}

func (c *Client) sendChunk(ctx context.Context, id string, chunk *fileRange) error {
	action := fmt.Sprintf("upload the bytes from %d to %d", chunk.offset, chunk.offset+chunk.size)
	body, err := multipartBody(nil, partChunk, chunkName, chunk)
	if err != nil {
		return &Error{Action: action, err: err}
	}
	_, err = c.do(ctx, call{
		action: action, method: http.MethodPut, body: body, path: "/sites/{site}/fileUploads/" + url.PathEscape(id),
	})
	return err
}
