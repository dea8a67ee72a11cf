package storagetest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// gcsProtocol is that of Google Cloud Storage.
type gcsProtocol struct{}

// rewriteTo stands between source and target in the path of a copy.
const rewriteTo = "/rewriteTo"

func (gcsProtocol) classify(r *http.Request) (Operation, string) {
	query := r.URL.Query()
	if strings.HasPrefix(r.URL.Path, "/upload/") {
		return Write, query.Get("name")
	}
	if _, target, found := strings.Cut(r.URL.Path, rewriteTo); found {
		_, name, _ := strings.Cut(target, "/o/")
		return Write, name
	}
	_, escaped, found := strings.Cut(r.URL.EscapedPath(), "/o/")
	if !found {
		return List, query.Get("prefix")
	}
	name, err := url.PathUnescape(escaped)
	if err != nil {
		name = escaped
	}
	switch {
	case r.Method == http.MethodDelete:
		return Delete, name
	case query.Get("alt") == "media":
		return Read, name
	}
	return Stat, name
}

func (gcsProtocol) refuse(w http.ResponseWriter, status int, _ string) {
	http.Error(w, http.StatusText(status), status)
}

// allows checks the condition of a deletion or a copy. Unlike in the service, another
// request may come between the check and what it is for.
func (gcsProtocol) allows(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	want := r.URL.Query().Get("ifGenerationMatch")
	from, target, copies := strings.Cut(r.URL.EscapedPath(), rewriteTo)
	if want == "" || !copies && r.Method != http.MethodDelete {
		return true
	}
	path := from
	if copies {
		path = from[:strings.Index(from, "/b/")] + target
	}
	ask := httptest.NewRequest(http.MethodGet, "http://"+r.Host+path, nil)
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, ask)
	var object struct{ Generation string }
	var holds bool
	if recorder.Code != http.StatusOK || json.NewDecoder(recorder.Body).Decode(&object) != nil {
		holds = !copies || want == "0" // a deletion itself says what is wrong
	} else {
		holds = object.Generation == want
	}
	if !holds {
		http.Error(w, "conditionNotMet", http.StatusPreconditionFailed)
	}
	return holds
}
