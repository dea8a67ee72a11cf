package storage

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
)

// webStatus is where to look when a server does not recover.
const webStatus = "check the network and the server, then run again"

// What web servers may not have, and what is done about it.
var (
	errReadOnly = hinted{
		error: errors.New("a web server is only read from"),
		hint:  "write to a local path, gs://, s3:// or az://",
	}
	errNoRanges = hinted{
		error: errors.New("the server does not answer requests for a part of a file (ranges), which reading Parquet needs"),
		hint:  "copy the file to a local folder, gs://, s3:// or az://, or to a server that knows ranges",
	}
	errNoLength = hinted{
		error: errors.New("the server does not tell how long the file is (Content-Length)"),
		hint:  "copy the file to a local folder, gs://, s3:// or az://, or serve it as a plain file",
	}
	errNoVersion = hinted{
		error: errors.New("the server does not tell which version of the file it has (neither a strong ETag nor Last-Modified), " +
			"so that a file that is replaced meanwhile would not be noticed"),
		hint: "copy the file to a local folder, gs://, s3:// or az://, or serve it as a plain file",
	}
	errWebEncoded = hinted{
		error: errors.New("the server sends the file with a content encoding, so that parts of it cannot be read"),
		hint:  "have the server send the file as it is: Parquet is compressed already",
	}
)

// statusError is the status of an answer that is an error. What else the server says is not repeated.
type statusError int

func (a statusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", int(a), http.StatusText(int(a)))
}

// isMissing says whether a server has no file of that name.
func isMissing(err error) bool {
	var status statusError
	return errors.As(err, &status) && (status == http.StatusNotFound || status == http.StatusGone)
}

// explain turns an error of a request into one that names uri and that callers can test. When ctx is done, that is the error.
func (w *web) explain(ctx context.Context, uri string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", uri, ctx.Err())
	}
	var known hinted
	var status statusError
	var unknown *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &known) || errors.Is(err, ErrChanged) || errors.Is(err, fs.ErrNotExist):
	case errors.As(err, &status):
		err = explainStatus(status)
	case errors.As(err, &unknown) && unknown.IsNotFound:
		err = hinted{error: fmt.Errorf("there is no host %s", unknown.Name), hint: "check the address, and that this machine resolves the name"}
	case errors.As(err, &certificate):
		err = hinted{error: err, hint: "check the address; where an authority of your own signs, have this machine trust it, " +
			"or set SSL_CERT_FILE to its certificate"}
	case errors.Is(err, http.ErrSchemeMismatch):
		err = hinted{error: errors.New("the server speaks http, not https"), hint: "check the port; files are only read by https"}
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errStalled) || networkMayRecover(err):
		err = unavailable(err, webStatus)
	}
	return fmt.Errorf("%s: %w", uri, err)
}

// explainStatus turns an answer that is an error into ours.
func explainStatus(status statusError) error {
	switch {
	case isMissing(status):
		return fs.ErrNotExist
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusProxyAuthRequired:
		return hinted{
			error: fmt.Errorf("%w: %w", fs.ErrPermission, status),
			hint: "no credentials are sent to web servers: have the server let this machine read the file, " +
				"or put it on gs://, s3:// or az://",
		}
	case status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented:
		return hinted{
			error: fmt.Errorf("%w when asked what the file is (HEAD)", status),
			hint:  "copy the file to a local folder, gs://, s3:// or az://, or serve it as a plain file",
		}
	case statusMayPass(int(status)):
		return unavailable(status, webStatus)
	}
	return hinted{error: status, hint: "check the address, and what the server says to a browser"}
}
