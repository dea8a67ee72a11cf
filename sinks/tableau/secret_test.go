package tableau_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	const text = "geheim"
	secret := tableau.NewSecret(text)
	token := tableau.PersonalAccessToken{Name: "n", Secret: secret}
	app := tableau.ConnectedApp{SecretValue: secret}
	client := &tableau.Client{Credentials: token}
	hidden := struct{ inner tableau.Secret }{secret} // fmt calls no methods of what is not exported

	var printed bytes.Buffer
	for _, value := range []any{secret, &secret, token, &token, app, hidden, []tableau.Secret{secret}, map[string]any{"k": token}, client.Credentials} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%o", "%10.3s"} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
		slog.New(handler).Info("m", "secret", secret, "token", token, "app", app)
	}
	for _, value := range []any{secret, token, app, map[string]tableau.Secret{"k": secret}} {
		encoded, err := json.Marshal(value)
		require.NoError(t, err)
		printed.Write(encoded)
	}
	encoded, err := secret.MarshalText()
	require.NoError(t, err)
	fmt.Fprintln(&printed, secret.String(), secret.GoString(), string(encoded))
	assert.NotContains(t, printed.String(), text)
	assert.NotContains(t, printed.String(), fmt.Sprintf("%x", text))
	assert.Contains(t, printed.String(), "[redacted]")
	assert.Equal(t, text, secret.Reveal())
	assert.True(t, tableau.NewSecret("").IsZero())
	assert.Empty(t, tableau.Secret{}.Reveal())
}

// echo is a server in front of the fake one that is as careless as can be: its errors
// repeat every header and body that it was sent, and every token that it knows.
type echo struct {
	*httptest.Server
	mu      sync.Mutex
	secrets []string
}

func newEcho(t *testing.T, b *bench) *echo {
	t.Helper()
	target, err := url.Parse(b.URL)
	require.NoError(t, err)
	e := &echo{secrets: []string{tokenSecret}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host, out.RequestURI = target.Scheme, target.Host, ""
		reply, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			w.Header().Set("Location", "http://elsewhere.invalid/"+r.Header.Get("X-Tableau-Auth"))
			w.WriteHeader(http.StatusFound)
			return
		}
		defer reply.Body.Close()
		content, _ := io.ReadAll(reply.Body)
		if _, rest, found := strings.Cut(string(content), `token="`); found {
			token, _, _ := strings.Cut(rest, `"`)
			e.mu.Lock()
			e.secrets = append(e.secrets, token)
			e.mu.Unlock()
		}
		if reply.StatusCode >= 400 {
			e.mu.Lock()
			text := strings.Join(e.secrets, " ") + " " + fmt.Sprint(r.Header)
			e.mu.Unlock()
			content = []byte(strings.ReplaceAll(string(content), "<detail>", "<detail>"+strings.ReplaceAll(text, "<", "")))
		}
		w.WriteHeader(reply.StatusCode)
		_, _ = w.Write(content)
	}))
	t.Cleanup(e.Close)
	return e
}

// Everything that the client says while things go wrong is searched for every secret.
func TestSecretsStayOutOfErrorsAndLogs(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	e := newEcho(t, b)
	client := b.newClient()
	client.Server = e.URL
	var said strings.Builder
	note := func(err error) {
		require.Error(t, err)
		fmt.Fprintf(&said, "%v\n%+v\n%#v\n%s\n", err, err, err, tableau.Hint(err))
		encoded, marshalErr := json.Marshal(tableau.Failure(err))
		require.NoError(t, marshalErr)
		said.Write(encoded)
		for inner := err; inner != nil; inner = unwrap(inner) {
			fmt.Fprintln(&said, inner.Error())
		}
	}
	file := plainFile(t, 100)
	publish := func() error {
		_, err := client.Publish(t.Context(), b.publication(file, tableau.Overwrite))
		return err
	}
	for _, fault := range []tableautest.Fault{
		{Path: "/auth/signin", Status: 401, Code: "401001"},
		{Path: "/auth/signin", Status: 500, Code: "500000", Times: 6},
		{Path: "/projects", ExpireToken: true, Times: 2},
		{Path: "/projects", LoseRequest: true, Times: 6},
	} {
		b.Inject(fault)
		require.NoError(t, client.SignOut(t.Context()))
		_, err := client.Projects(t.Context())
		note(err)
	}
	for _, fault := range []tableautest.Fault{
		{Method: http.MethodPost, Path: "/datasources", Status: 400, Code: "400011"},
		{Method: http.MethodPost, Path: "/datasources", Status: 500, Code: "500000", Times: 6},
		{Method: http.MethodPost, Path: "/datasources", Status: 403, Code: "403008"},
	} {
		b.Inject(fault)
		note(publish())
	}
	require.NoError(t, publish())

	e.mu.Lock()
	defer e.mu.Unlock()
	require.Greater(t, len(e.secrets), 3, "tokens were given out")
	everything := said.String() + b.log.String()
	require.Contains(t, everything, "[redacted]", "the server did repeat secrets")
	for _, secret := range e.secrets {
		assert.NotContains(t, everything, secret)
		assert.NotContains(t, everything, url.QueryEscape(secret))
	}
	for _, request := range b.Requests() {
		assert.NotContains(t, request.Path, tokenSecret)
	}
}

func unwrap(err error) error {
	if wrapper, ok := err.(interface{ Unwrap() error }); ok {
		return wrapper.Unwrap()
	}
	return nil
}
