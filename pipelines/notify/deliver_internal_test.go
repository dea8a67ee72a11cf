package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// secretPath is the part of an address that makes it a secret.
const secretPath = "/services/T0/B0/c4naryc4nary"

// patient are limits within which a machine that has much else to do delivers. Tests in which time runs out have shorter ones.
var patient = limits{
	whole: 5 * time.Minute, try: time.Minute, start: time.Minute, state: time.Minute, grace: time.Minute,
	pauses: []time.Duration{time.Millisecond, time.Millisecond},
}

// receiver is a real server that keeps what comes, and answers as it is told.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	came []string // method, path with query, and body
}

// newReceiver starts a server; answer may be nil for 200. n counts requests from 1.
func newReceiver(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *receiver {
	received := &receiver{}
	received.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received.mu.Lock()
		received.came = append(received.came, r.Method+" "+r.URL.RequestURI()+" "+string(body))
		n := len(received.came)
		received.mu.Unlock()
		if answer != nil {
			answer(w, r, n)
		}
	}))
	t.Cleanup(received.Close)
	return received
}

func (r *receiver) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.came...)
}

// notifierOf is a notifier of one target whose address is in the variable HOOK, and its log.
func notifierOf(t *testing.T, address string, target config.NotifyConfig) (*Notifier, *bytes.Buffer) {
	t.Setenv("HOOK", address)
	log := &bytes.Buffer{}
	n := New(config.Told{Name: "sales", Targets: []config.NotifyConfig{target}}, "run",
		slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	n.limits = patient
	return n, log
}

var (
	webhook = config.NotifyConfig{URLEnv: "HOOK", Format: config.NotifyAuto, On: []config.NotifyEvent{config.NotifyFailure, config.NotifySuccess}}
	aSwitch = config.NotifyConfig{PingEnv: "HOOK"}
	failing = Outcome{ExitCode: 1, Failure: failure.New(failure.Source, "why")}
)

func soon() time.Time { return time.Now().Add(5 * time.Minute) }

// Whatever the server does, there are so many requests, and the log tells what came of it without the address.
func TestDelivery(t *testing.T) {
	elsewhere := newReceiver(t, nil)
	status := func(codes ...int) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, n int) { w.WriteHeader(codes[min(n, len(codes))-1]) }
	}
	cases := []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request, n int)
		came   int
		says   string // in the log; empty if it was delivered
	}{
		{"well", nil, 1, ""},
		{"accepted, as Teams has it", status(202), 1, ""},
		{"ill, then well", status(500, 503, 200), 3, ""},
		{"busy, then well", status(429, 200), 2, ""},
		{"ill", status(500), 3, "the server answers 500 Internal Server Error"},
		{"gone", status(404), 1, "the server answers 404 Not Found; is the address still the right one?"},
		{"refused", status(400), 1, "the server answers 400 Bad Request"},
		{"busy for long", func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}, 1, "the server answers 429 Too Many Requests"},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, elsewhere.URL+secretPath, http.StatusTemporaryRedirect)
		}, 1, "307 Temporary Redirect, which is not followed"},
		{"at another path", func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, secretPath+"/2", http.StatusFound)
		}, 1, "302 Found, which is not followed"},
		{"hung", func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }, 3, "no answer within 1s"},
		{"hung once", func(_ http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				<-r.Context().Done()
			}
		}, 2, ""},
		{"cut", func(w http.ResponseWriter, _ *http.Request, _ int) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		}, 3, "EOF"},
		{"endless", func(w http.ResponseWriter, r *http.Request, _ int) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(secretPath, 1000)); err != nil {
					return
				}
			}
		}, 1, ""},
		{"an endless head", func(w http.ResponseWriter, _ *http.Request, _ int) {
			for range 200 {
				w.Header().Add("X-Long", strings.Repeat("c4nary", 1000))
			}
		}, 3, "server response headers exceeded"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := newReceiver(t, c.answer)
			n, log := notifierOf(t, server.URL+secretPath, webhook)
			switch c.name {
			case "hung":
				n.limits.try = time.Second
			case "hung once": // the second time must be well
				n.limits.try = 5 * time.Second
			}
			n.End(t.Context(), failing, soon)
			came := server.all()
			assert.Len(t, came, c.came)
			for _, one := range came {
				assert.Equal(t, came[0], one, "every try sends the same")
			}
			if c.says == "" {
				assert.Contains(t, log.String(), `msg=notified to="HOOK (127.0.0.1)" event=failure`)
			} else {
				assert.Contains(t, log.String(), `level=WARN msg="a notification was not delivered" to="HOOK (127.0.0.1)" event=failure error=`)
				assert.Contains(t, log.String(), c.says)
			}
			assert.Equal(t, 1, strings.Count(log.String(), "\n"), "one line: %s", log)
			assert.NotContains(t, log.String(), "c4nary")
		})
	}
	assert.Empty(t, elsewhere.all())
}

func TestAddresses(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	secure := httptest.NewTLSServer(nil)
	t.Cleanup(secure.Close)
	for address, says := range map[string]string{
		"":                                "HOOK is not set",
		"  ":                              "HOOK is not set",
		"c4nary":                          "the value of HOOK is no address",
		"https://":                        "the value of HOOK is no address",
		"https://host c4nary/":            "the value of HOOK is no address",
		"https://h/%zz/c4nary":            "the value of HOOK is no address",
		"ftp://127.0.0.1/c4nary":          "the address in HOOK does not begin with https://",
		"http://example.com/c4nary":       "the address in HOOK does not begin with https://",
		"http://127.0.0.1.example/c4nary": "the address in HOOK does not begin with https://",
		closed.URL + "/c4nary":            "connection refused",
		secure.URL + "/c4nary":            "certificate",
	} {
		n, log := notifierOf(t, address, webhook)
		n.End(t.Context(), failing, soon)
		assert.Contains(t, log.String(), says)
		assert.NotContains(t, log.String(), "c4nary")
	}
}

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]config.NotifyFormat{
		"hooks.slack.com": config.NotifySlack, "HOOKS.SLACK.COM": config.NotifySlack, "hooks.slack.com.example": config.NotifyPlain,
		"prod-23.westeurope.logic.azure.com":               config.NotifyTeams,
		"default0123.45.environment.api.powerplatform.com": config.NotifyTeams,
		"contoso.webhook.office.com":                       config.NotifyTeams,
		"evillogic.azure.com.example":                      config.NotifyPlain,
		"example.org":                                      config.NotifyPlain,
	} {
		assert.Equal(t, want, formatOf(webhook, host), host)
	}
	chosen := webhook
	chosen.Format = config.NotifySlack
	assert.Equal(t, config.NotifySlack, formatOf(chosen, "chat.example.org"))
}

// A program that was told to end tries once, and is done in time, whatever hangs.
func TestSignalled(t *testing.T) {
	server := newReceiver(t, func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusInternalServerError) })
	n, log := notifierOf(t, server.URL+secretPath, webhook)
	n.limits.pauses = []time.Duration{time.Hour}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n.End(ctx, failing, soon)
	assert.Len(t, server.all(), 1)
	assert.Contains(t, log.String(), "500 Internal")

	hung := newReceiver(t, func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
	n, log = notifierOf(t, hung.URL+secretPath, webhook)
	n.limits.try, n.limits.whole = time.Hour, time.Hour
	n.End(ctx, failing, func() time.Time { return time.Now().Add(3 * time.Second) })
	assert.Len(t, hung.all(), 1)
	assert.Contains(t, log.String(), "context canceled")

	// The signal may come while it is being told.
	ctx, cancel = context.WithCancel(t.Context())
	hung = newReceiver(t, func(_ http.ResponseWriter, r *http.Request, _ int) { cancel(); <-r.Context().Done() })
	n, _ = notifierOf(t, hung.URL+secretPath, webhook)
	n.limits.try, n.limits.whole = time.Hour, time.Hour
	n.End(ctx, failing, func() time.Time { return time.Now().Add(100 * time.Millisecond) })
	assert.Len(t, hung.all(), 1)
}

// All that is tried after a run ends in time, and one that hangs does not keep others.
func TestOneThatHangsKeepsNoOther(t *testing.T) {
	hung := newReceiver(t, func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
	well := newReceiver(t, nil)
	n, log := notifierOf(t, hung.URL+secretPath, webhook)
	t.Setenv("OTHER", well.URL)
	other := webhook
	other.URLEnv = "OTHER"
	n.told.Targets = append(n.told.Targets, other)
	n.limits.try, n.limits.whole = time.Hour, 3*time.Second
	n.End(t.Context(), failing, soon)
	assert.Len(t, well.all(), 1)
	assert.Contains(t, log.String(), `msg=notified to="OTHER (127.0.0.1)"`)
	assert.Contains(t, log.String(), `level=WARN msg="a notification was not delivered" to="HOOK (127.0.0.1)"`)
}

// A dead man's switch learns of start and end in this order, under one name, also of a run that a person interrupted.
func TestPings(t *testing.T) {
	ends := map[string]struct {
		outcome Outcome
		path    string
	}{
		"success": {Outcome{Report: &report.Report{Status: report.Unchanged}}, ""},
		"failure": {failing, "/fail"},
		"by hand": {Outcome{ExitCode: 130, ByHand: true, Failure: failure.New(failure.Interrupted, "interrupted by interrupt")}, "/fail"},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			server := newReceiver(t, nil)
			n, log := notifierOf(t, server.URL+"/ping/c4nary?create=1", aSwitch)
			n.Start(t.Context())
			n.End(t.Context(), end.outcome, soon)
			came := server.all()
			require.Len(t, came, 2)
			query := "?create=1&rid=" + n.ping
			assert.Equal(t, "POST /ping/c4nary/start"+query+" ", came[0])
			assert.True(t, strings.HasPrefix(came[1], "POST /ping/c4nary"+end.path+query+" sales "), came[1])
			assert.NotContains(t, log.String(), "c4nary")
		})
	}
}

// A start that hangs is given up when the run has ended, and one that failed is told at the end only if that fails, too.
func TestPingsThatHang(t *testing.T) {
	server := newReceiver(t, func(_ http.ResponseWriter, r *http.Request, n int) {
		if n == 1 {
			<-r.Context().Done()
		}
	})
	n, log := notifierOf(t, server.URL+"/c4nary", aSwitch)
	n.limits.try, n.limits.start = time.Hour, 100*time.Millisecond
	n.Start(t.Context())
	require.Eventually(t, func() bool { return len(server.all()) == 1 }, time.Minute, time.Millisecond)
	n.End(t.Context(), failing, soon)
	came := server.all()
	require.Len(t, came, 2)
	assert.Contains(t, came[1], "/c4nary/fail?rid=")
	assert.NotContains(t, log.String(), "WARN")
}

func TestMessageIsSentAsJSON(t *testing.T) {
	server := newReceiver(t, nil)
	n, _ := notifierOf(t, server.URL+secretPath, webhook)
	n.End(t.Context(), Outcome{Report: succeeded()}, soon)
	assert.Empty(t, server.all(), "rejects, which nobody asked for")
	all := webhook
	all.On = append(all.On, config.NotifyRejects)
	n, _ = notifierOf(t, server.URL+secretPath, all)
	n.End(t.Context(), Outcome{Report: succeeded()}, soon)
	came := server.all()
	require.Len(t, came, 1)
	var got Message
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(came[0], "POST "+secretPath+" ")), &got))
	assert.EqualValues(t, config.NotifyRejects, got.Event)
	assert.Equal(t, "sales succeeded with 1,234 rejects (run on "+got.Host+")", got.Title)
}

func TestTry(t *testing.T) {
	server := newReceiver(t, nil)
	n, _ := notifierOf(t, server.URL+secretPath, webhook)
	missing := webhook
	missing.URLEnv = "MISSING"
	n.told.Targets = append(n.told.Targets, aSwitch, missing)
	tried := n.Try(t.Context())
	require.Len(t, tried, 2, "no switch is told")
	assert.Equal(t, Tried{Target: "HOOK (127.0.0.1)"}, tried[0])
	assert.Equal(t, "MISSING", tried[1].Target)
	assert.ErrorContains(t, tried[1].Err, "MISSING is not set")
	require.Len(t, server.all(), 1)
	assert.Contains(t, server.all()[0], `"event":"test","title":"sales: a test"`)
}
