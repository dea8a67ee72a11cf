package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"hyperlake/pipelines/notify"
)

// hookSecret is what makes the addresses of an audience secrets.
const hookSecret = "T0c4nary/B0c4nary"

// audience is a server that is told how runs end, under several addresses. It keeps what it was told in a few words.
type audience struct {
	*httptest.Server
	mu   sync.Mutex
	told []string
	text []string // all that came
}

// newAudience starts a server. Each address ends in hookSecret: /all and /usual are webhooks, /switch is a dead man's switch,
// and /ill a webhook that takes nothing.
func newAudience() *audience {
	a := &audience{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		place, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"+hookSecret)
		var m notify.Message
		what := "start"
		switch {
		case place == "switch" && path == "/start":
		case place == "switch":
			what = "end" + path
		case json.Unmarshal(body, &m) == nil:
			what = fmt.Sprintf("%s,%d", m.Event, m.ExitCode)
		default:
			what = "no message"
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.told, a.text = append(a.told, place+":"+what), append(a.text, string(body))
		if place == "ill" {
			http.Error(w, r.URL.Path, http.StatusNotFound)
		}
	}))
	return a
}

// environment names the addresses.
func (a *audience) environment() []string {
	var all []string
	for _, place := range []string{"all", "usual", "switch", "ill"} {
		all = append(all, "HOOK_"+strings.ToUpper(place)+"="+a.URL+"/"+place+"/"+hookSecret)
	}
	return all
}

// take is what the audience was told since it was asked last, sorted: places know nothing of each other.
func (a *audience) take() (told []string, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	told, text = slices.Sorted(slices.Values(a.told)), strings.Join(a.text, "\n")
	a.told, a.text = nil, nil
	return told, text
}

// count is how often the audience was told something since it was asked last.
func (a *audience) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.told)
}

// listener is the key of the audience of a script.
type listener struct{}

// startAudience starts an audience for a script, and names it in the environment.
func startAudience(env *testscript.Env) {
	server := newAudience()
	env.Defer(server.Close)
	env.Values[listener{}] = server
	env.Vars = append(env.Vars, server.environment()...)
}

// compareTold compares what was told since the last time: told PLACE:EVENT,EXITCODE…
func compareTold(ts *testscript.TestScript, neg bool, want []string) {
	server, ok := ts.Value(listener{}).(*audience)
	if neg || !ok {
		ts.Fatalf("usage: told PLACE:EVENT,EXITCODE…")
	}
	got, text := server.take()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		ts.Fatalf("told were %q, not %q: %s", got, want, text)
	}
	ts.Check(os.WriteFile(ts.MkAbs("told.txt"), []byte(text), 0o600))
}
