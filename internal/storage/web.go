package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

// web is single files of web servers, by https://. A server tells what one file is, and lists nothing: a folder is empty, a
// pattern is no name, and nothing is written. No credentials are sent.
//
// A version is the strong ETag of a file (RFC 9110, section 8.8), else its time of modification, to the second, and its size. Each
// request for bytes has it as a condition, and the answer is held against it, for not all servers know conditions.
type web struct {
	options ObjectsOptions
	client  *http.Client
}

var _ service = (*web)(nil)

// NewWeb returns a Store for files of web servers that differs from that of [For] in its options, and shares no connections with
// it. It has no use for an endpoint or a chunk.
func NewWeb(options ObjectsOptions) *Objects {
	options = options.filled()
	client := &http.Client{Transport: newTransport(), CheckRedirect: checkRedirect}
	return &Objects{service: &web{options, client}, options: options}
}

// ReadOnly says whether what a URI names is only read: a file of a web server.
func ReadOnly(uri string) bool {
	store, err := For(uri)
	objects, ok := store.(*Objects)
	if err != nil || !ok {
		return false
	}
	_, isWeb := objects.service.(*web)
	return isWeb
}

func (w *web) locate(uri string) (address, error) { return locateWeb(uri) }

func (w *web) uri(p address) string { return p.uri(httpsScheme) }

// page finds the one file whose name is the prefix. What is in a folder nobody tells.
func (w *web) page(ctx context.Context, host string, asked query, _ string) (page []entry, next string, err error) {
	if asked.prefix == "" || strings.HasSuffix(asked.prefix, "/") {
		return nil, "", nil
	}
	found, err := w.attributes(ctx, address{host, asked.prefix})
	if isMissing(err) {
		return nil, "", nil
	}
	return []entry{found}, "", err
}

// attributes asks for the head of a file.
func (w *web) attributes(ctx context.Context, p address) (entry, error) {
	ask := func(ctx context.Context) (*http.Response, error) { return w.ask(ctx, http.MethodHead, p, nil) }
	response, err := w.options.Retry.waitOut(ctx, nil, func() (*http.Response, error) { return w.options.Retry.unlessSilent(ctx, ask) })
	if err != nil {
		return entry{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return entry{}, statusError(response.StatusCode)
	}
	if strings.EqualFold(response.Header.Get("Accept-Ranges"), "none") {
		return entry{}, errNoRanges
	}
	version, err := versionIn(response, response.ContentLength)
	modified, _ := http.ParseTime(response.Header.Get("Last-Modified")) // which need not be told
	return entry{name: p.name, size: response.ContentLength, modified: modified, version: version}, err
}

// ask sends one request. Its error has no URL: one that a server leads to may be signed.
func (w *web) ask(ctx context.Context, method string, p address, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, w.uri(p), nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Accept-Encoding", "identity") // else ranges would be of something else
	request.Header.Set("User-Agent", "hyperlake")
	response, err := w.client.Do(request)
	return response, withoutURL(err)
}

// mostRedirects is how often a server may lead elsewhere until a file is there.
const mostRedirects = 5

// checkRedirect follows to other places by https only. Of the request before, the next host learns nothing: its URL may be signed.
func checkRedirect(next *http.Request, before []*http.Request) error {
	switch {
	case len(before) > mostRedirects:
		return hinted{error: fmt.Errorf("the server leads elsewhere more than %d times", mostRedirects), hint: "check the address of the file"}
	case next.URL.Scheme != httpsScheme:
		return hinted{error: errors.New("the server leads to an address that is not https://"), hint: "take a file that is on https:// itself"}
	case next.URL.User != nil:
		return hinted{error: errors.New("the server leads to an address with a user"), hint: "take a file that needs no user"}
	}
	next.Header.Del("Referer")
	return nil
}

// connect names the version in each request, and holds the answer against it.
func (w *web) connect(ctx context.Context, p address, version string, start, end int64, alive func()) (*answer, error) {
	header := onlyOf(version)
	isPart := start > 0 || end != wholeObject
	if isPart && end == wholeObject {
		header.Set("Range", fmt.Sprintf("bytes=%d-", start))
	} else if isPart {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", start, end-1))
	}
	response, err := w.options.Retry.waitOut(ctx, alive, func() (*http.Response, error) { return w.ask(ctx, http.MethodGet, p, header) })
	if err != nil {
		return nil, err
	}
	size, err := sizeIn(response, isPart, start, end)
	if err == nil {
		var got string
		if got, err = versionIn(response, size); err == nil && version != "" && got != version {
			err = ErrChanged
		}
		version = got
	}
	if err != nil {
		_ = response.Body.Close() // nobody reads it
		return nil, err
	}
	return &answer{ReadCloser: cutting{response.Body}, version: version, size: size}, nil
}

// sizeIn is the size of the whole file in an answer that has bytes of it, as they were asked for.
func sizeIn(response *http.Response, isPart bool, start, end int64) (int64, error) {
	switch status := response.StatusCode; {
	case status == http.StatusPartialContent && isPart:
		return sizeInRange(response.Header.Get("Content-Range"), start)
	case status == http.StatusOK && !isPart, status == http.StatusOK && start == 0 && end == response.ContentLength:
		return response.ContentLength, nil
	case status == http.StatusOK:
		return 0, errNoRanges
	case status == http.StatusPreconditionFailed || status == http.StatusRequestedRangeNotSatisfiable:
		return 0, fmt.Errorf("the version is gone: %w", fs.ErrNotExist) // or the file
	default:
		return 0, statusError(status)
	}
}

// mostOfETag bounds what a server may have kept as the version of its file.
const mostOfETag = 1 << 10

// versionIn is the version of a file of that size, in an answer about it.
func versionIn(response *http.Response, size int64) (string, error) {
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return "", errWebEncoded
	}
	if size < 0 {
		return "", errNoLength
	}
	etag := response.Header.Get("ETag")
	if len(etag) > 1 && len(etag) <= mostOfETag && strings.HasPrefix(etag, `"`) && strings.HasSuffix(etag, `"`) {
		return etag, nil
	}
	modified, err := http.ParseTime(response.Header.Get("Last-Modified"))
	if err != nil {
		return "", errNoVersion
	}
	return fmt.Sprintf("%s, %d bytes", modified.UTC().Format(http.TimeFormat), size), nil
}

// onlyOf is the condition of a request for a version.
func onlyOf(version string) http.Header {
	header := http.Header{}
	modified, _, _ := strings.Cut(version, " GMT, ")
	switch {
	case strings.HasPrefix(version, `"`):
		header.Set("If-Match", version)
	case version != "":
		header.Set("If-Unmodified-Since", modified+" GMT")
	}
	return header
}

func (w *web) remove(context.Context, address, string) error { return errReadOnly }

func (w *web) create(_ context.Context, p address, _ Condition, _ int) (Writer, error) {
	return nil, fmt.Errorf("%s: %w", w.uri(p), errReadOnly)
}

func (w *web) copy(_ context.Context, _ Info, uri string, _ Condition) (Info, error) {
	return Info{}, fmt.Errorf("%s: %w", uri, errReadOnly)
}
