package tableautest

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// part is one part of a multipart/mixed request.
type part struct {
	name     string
	fileName string
	content  io.Reader
}

// readParts calls take with each part of a request; what take leaves is skipped.
func readParts(r *http.Request, take func(part) error) error {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" || params["boundary"] == "" {
		return refuse(http.StatusNotAcceptable, "406000", "the content type is not multipart/mixed with a boundary")
	}
	if r.ContentLength < 0 {
		return refuse(http.StatusBadRequest, "400019", "make sure that the Content-Length value is set")
	}
	reader := multipart.NewReader(r.Body, params["boundary"])
	for {
		next, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refuse(http.StatusBadRequest, "400019", "the request is malformed: %v", err)
		}
		name, fileName := readDisposition(next.Header.Get("Content-Disposition"))
		if err := take(part{name: name, fileName: fileName, content: next}); err != nil {
			return err
		}
	}
}

// readDisposition reads the names in a header that may lack its type, as Tableau's
// documentation writes it.
func readDisposition(header string) (name, fileName string) {
	if first, _, _ := strings.Cut(header, ";"); strings.Contains(first, "=") {
		header = "form-data; " + header
	}
	_, params, err := mime.ParseMediaType(header)
	if err != nil {
		return "", ""
	}
	return params["name"], params["filename"]
}
