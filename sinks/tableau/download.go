package tableau

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
)

// DefaultDownloadLimit is the most bytes that a download may have, packed or unpacked.
const DefaultDownloadLimit = 64 << 30

// Download fetches the extract of a data source into a folder, and returns the path of the .hyper file,
// which has a name that nothing there had. A revision of 0 is what the data source has now; others are those
// that [Client.Revisions] lists.
//
// Whatever the server sends, nothing else is left in the folder, and no more than DownloadLimit bytes are written. A
// download that breaks off is begun again, since the server packs what it sends anew each time. A data
// source that has no extract, or several, is an error. Failures are *[Error].
func (c *Client) Download(ctx context.Context, datasourceID string, revision int, folder string) (string, error) {
	path, err := c.DownloadPackage(ctx, datasourceID, revision, folder)
	if err != nil || filepath.Ext(path) == extensionHyper {
		return path, err
	}
	defer func() { _ = os.Remove(path) }() // the extract is what counts
	made, err := unpackExtract(ctx, path, folder, c.downloadLimit())
	if err != nil {
		return "", &Error{
			Action: "unpack " + describeDownload(datasourceID, revision), err: err,
			Hint: "only data sources with one extract can be read",
		}
	}
	return made, nil
}

// DownloadPackage is Download, but leaves what the server sent as it is: mostly a .tdsx file, which holds the
// extract together with what is said about its columns.
func (c *Client) DownloadPackage(ctx context.Context, datasourceID string, revision int, folder string) (string, error) {
	action := "download " + describeDownload(datasourceID, revision)
	fail := func(err error) (string, error) {
		return "", &Error{Action: action, err: err, Hint: "see that the folder can be written to, and has room"}
	}
	file, err := os.CreateTemp(folder, "download-*.part")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // unless it has its name by then
	path := datasourcePath(datasourceID)
	if revision != 0 {
		path += "/revisions/" + strconv.Itoa(revision)
	}
	call := call{
		action: action, method: http.MethodGet, path: path + "/content", repeatable: true, timeout: max(syncPublishTimeout, c.requestTimeout()),
		receive: func(body io.Reader) error { return refill(file, body, c.downloadLimit()) },
	}
	reply, err := c.do(ctx, call)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		return fail(closeErr)
	}
	if err != nil {
		return "", err
	}
	extension, err := kindOfPackage(file.Name())
	switch {
	case err != nil:
		return fail(err)
	case extension == "":
		return "", c.incomplete(call, reply, "the reply is neither a packaged data source nor a .hyper file")
	}
	made := file.Name() + extension
	if err := os.Rename(file.Name(), made); err != nil {
		return fail(err)
	}
	return made, nil
}

func describeDownload(datasourceID string, revision int) string {
	if revision == 0 {
		return "the data source " + datasourceID
	}
	return fmt.Sprintf("revision %d of the data source %s", revision, datasourceID)
}

func (c *Client) downloadLimit() int64 {
	if c.DownloadLimit > 0 {
		return c.DownloadLimit
	}
	return DefaultDownloadLimit
}

// The kinds of files that the server sends.
const (
	extensionHyper   = ".hyper"
	extensionPackage = ".tdsx"
)

// kindOfPackage says by its first bytes what a file is; the empty text stands for anything else.
func kindOfPackage(path string) (extension string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	start := make([]byte, 4)
	if _, err := io.ReadFull(file, start); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	switch {
	case bytes.Equal(start, []byte("PK\x03\x04")):
		return extensionPackage, nil
	case bytes.Equal(start, []byte("Hype")):
		return extensionHyper, nil
	}
	return "", nil
}

// refill replaces what is in a file by what comes, up to a limit.
func refill(file *os.File, from io.Reader, limit int64) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	return copyWithin(file, from, limit)
}

// copyWithin copies all that comes, which must not be more than the limit.
func copyWithin(to io.Writer, from io.Reader, limit int64) error {
	n, err := io.Copy(to, io.LimitReader(from, limit+1))
	if err == nil && n > limit {
		return fmt.Errorf("it has more than %d bytes", limit)
	}
	return err
}

// stream has the body of a reply received, as long as something comes.
func (c *Client) stream(ctx context.Context, call call, target *url.URL, raw *http.Response, patience *patience) (*response, error) {
	body := &steadyReader{body: raw.Body, patience: patience}
	patience.limit = c.requestTimeout()
	err := call.receive(body)
	switch {
	case body.err != nil:
		return nil, c.lost(ctx, call, target, fmt.Errorf("the reply broke off: %w", body.err))
	case err != nil:
		return nil, c.failed(call, target, &Error{Status: raw.StatusCode, err: err, Hint: "see that the folder can be written to, and has room"})
	}
	return &response{status: raw.StatusCode, target: target}, nil
}

// steadyReader renews the patience with every read, and keeps why one failed.
type steadyReader struct {
	body     io.Reader
	patience *patience
	err      error
}

func (r *steadyReader) Read(p []byte) (int, error) {
	r.patience.renew()
	n, err := r.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
