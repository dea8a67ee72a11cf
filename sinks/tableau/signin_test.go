package tableau_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	require.NoError(t, b.client.SignIn(t.Context()))
	require.Len(t, b.sent(http.MethodPost, "/auth/signin"), 1, "the client was signed in already")
	assert.Equal(t, "/api/2.4/serverInfo", b.Requests()[0].Path)
	assert.Equal(t, "/api/3.28/auth/signin", b.sent(http.MethodPost, "/auth/signin")[0].Path)

	require.NoError(t, b.client.SignOut(t.Context()))
	require.NoError(t, b.client.SignOut(t.Context()))
	assert.Len(t, b.sent(http.MethodPost, "/auth/signout"), 1)

	_, err := b.client.Projects(t.Context())
	require.NoError(t, err, "a client can be used again")
	assert.Len(t, b.sent(http.MethodPost, "/auth/signin"), 2)
}

func TestSignOutOfAnEndedSession(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	other := b.newClient()
	require.NoError(t, other.SignIn(t.Context()), "which ends the session of the first client")
	require.NoError(t, b.client.SignOut(t.Context()))
	_, err := other.Projects(t.Context())
	require.NoError(t, err)
	assert.Len(t, b.sent(http.MethodPost, "/auth/signin"), 2)
}

func TestSignInWithConnectedApp(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{AppSecrets: map[string]string{"secret-id": "app/secret+value"}})
	app := tableau.ConnectedApp{ClientID: "client", SecretID: "secret-id", SecretValue: tableau.NewSecret("app/secret+value"), User: "u@example.com"}
	client := b.newClient()
	client.Credentials = app
	require.NoError(t, client.SignIn(t.Context()))

	app.SecretValue = tableau.NewSecret("another")
	client = b.newClient()
	client.Credentials = app
	err := client.SignIn(t.Context())
	assert.True(t, tableau.IsUnauthorized(err), err)
	assert.Contains(t, tableau.Hint(err), "connected app")

	client = b.newClient()
	client.Credentials = tableau.ConnectedApp{ClientID: "client"}
	assert.ErrorIs(t, client.SignIn(t.Context()), tableau.ErrNoCredentials)
}

func TestWrongCredentialsAreFinal(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	client := b.newClient()
	client.Credentials = tableau.PersonalAccessToken{Name: tokenName, Secret: tableau.NewSecret("wrong-secret-value")}
	before := len(b.sent(http.MethodPost, "/auth/signin"))
	_, err := client.Projects(t.Context())
	require.True(t, tableau.IsUnauthorized(err), err)
	assert.Equal(t, "401001", tableau.Code(err))
	assert.Contains(t, tableau.Hint(err), "expires when it was not used for 15 days")
	assert.NotContains(t, err.Error(), "wrong-secret-value")
	assert.Len(t, b.sent(http.MethodPost, "/auth/signin"), before+1)

	client = b.newClient()
	client.Credentials = nil
	err = client.SignIn(t.Context())
	assert.ErrorIs(t, err, tableau.ErrNoCredentials)
	assert.True(t, tableau.Failure(err).Early)
	assert.Contains(t, tableau.Failure(err).Hint, "tab_pat_name")
}

func TestManyRequestsSignInAgainOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	require.NoError(t, b.newClient().SignIn(t.Context())) // ends the session of b.client
	before := len(b.sent(http.MethodPost, "/auth/signin"))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, err := b.client.Projects(t.Context())
			assert.NoError(t, err)
		})
	}
	group.Wait()
	assert.Len(t, b.sent(http.MethodPost, "/auth/signin"), before+1)
}

func TestSignInUnderFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]tableautest.Fault{
		"server ill":    {Path: "/auth/signin", Status: 500, Times: 2},
		"reply lost":    {Path: "/auth/signin", LoseReply: true},
		"busy":          {Path: "/auth/signin", Status: 429, RetryAfter: "1"},
		"version fails": {Path: "/serverInfo", Status: 502, Times: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tableautest.Config{})
			b.Inject(fault)
			require.NoError(t, b.newClient().SignIn(t.Context()))
		})
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		server, pinned, want, problem string
	}{
		"of the server":        {server: "3.21", want: "/api/3.21/"},
		"newest that is known": {server: "9.99", want: "/api/3.29/"},
		"pinned":               {server: "3.28", pinned: "3.21", want: "/api/3.21/"},
		"too old":              {server: "3.5", problem: "these credentials need 3.6"},
		"no version":           {server: "3.28", pinned: "latest", problem: `version "latest" is not like 3.28`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := tableautest.Start(tableautest.Config{API: test.server})
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, server.Close()) })
			client := &tableau.Client{
				Server: server.URL + "/", AllowHTTP: true, APIVersion: test.pinned,
				Credentials: tableau.PersonalAccessToken{Name: "n", Secret: tableau.NewSecret("s")},
			}
			_, err = client.Projects(t.Context())
			if test.problem != "" {
				assert.ErrorContains(t, err, test.problem)
				return
			}
			require.NoError(t, err)
			requests := server.Requests()
			assert.Contains(t, requests[len(requests)-1].Path, test.want)
			info, err := client.ServerInfo(t.Context())
			require.NoError(t, err)
			assert.Equal(t, tableau.ServerInfo{Product: "2026.1.0", Server: tableau.Version{Major: 2026, Minor: 1}, API: info.API}, info)
			assert.Equal(t, test.server, info.API.String())
		})
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	for server, hint := range map[string]string{
		"":                                  "tab_site_url",
		"http://example.com":                "allow_http: true",
		"ftp://example.com":                 "must begin with https://",
		"https://user:geheim@example.com":   "credentials belong into the environment",
		"https://example.com/#/site/m/home": "name of the site belongs into publish.site",
		"https://":                          "must look like",
		"https://example.com:port":          "must look like",
	} {
		client := &tableau.Client{Server: server, Credentials: tableau.PersonalAccessToken{Name: "n", Secret: tableau.NewSecret("s")}}
		err := client.SignIn(t.Context())
		require.Error(t, err, server)
		assert.Contains(t, tableau.Hint(err), hint, server)
		assert.ErrorContains(t, err, "read the server's address: ", server)
		assert.NotContains(t, err.Error()+tableau.Hint(err), "geheim")
	}
}

func TestAnotherKindOfServerAnswers(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><body>Welcome<br></body></html>")
	}))
	t.Cleanup(other.Close)
	client := &tableau.Client{Server: other.URL, AllowHTTP: true, Credentials: tableau.PersonalAccessToken{Name: "n", Secret: tableau.NewSecret("s")}}
	err := client.SignIn(t.Context())
	assert.ErrorContains(t, err, "the reply is not Tableau's")
	assert.Contains(t, tableau.Hint(err), "check the server's address")
	assert.False(t, tableau.IsTransient(err))
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	client := &tableau.Client{Server: gone.URL, AllowHTTP: true, Credentials: tableau.PersonalAccessToken{Name: "n", Secret: tableau.NewSecret("s")}}
	waited := &waits{part: 50}
	client.Pause = waited.pause
	err := client.SignIn(t.Context())
	assert.True(t, tableau.IsTransient(err), err)
	assert.Len(t, waited.taken(), 5)
	assert.True(t, tableau.Failure(err).Retry)
	assert.Equal(t, 1, strings.Count(err.Error(), "serverInfo"), err)
}

// tlsFront is a server with TLS in front of the fake one.
func tlsFront(t *testing.T, b *bench) *httptest.Server {
	t.Helper()
	target, err := url.Parse(b.URL)
	require.NoError(t, err)
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host, out.RequestURI = target.Scheme, target.Host, ""
		reply, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer reply.Body.Close()
		w.WriteHeader(reply.StatusCode)
		_, _ = io.Copy(w, reply.Body)
	}))
	front.StartTLS()
	t.Cleanup(front.Close)
	return front
}

func TestCertificateAuthorities(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	front := tlsFront(t, b)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	require.NoError(t, os.WriteFile(caFile, block, 0o600))
	newClient := func(caFile string) *tableau.Client {
		client := b.newClient()
		client.Server, client.AllowHTTP, client.CAFile = front.URL, false, caFile
		return client
	}
	require.NoError(t, newClient(caFile).SignIn(t.Context()))

	err := newClient("").SignIn(t.Context())
	var untrusted *tls.CertificateVerificationError
	require.ErrorAs(t, err, &untrusted)
	assert.Contains(t, tableau.Hint(err), "ca_file")
	assert.False(t, tableau.IsTransient(err), "trying again would not help")

	require.NoError(t, os.WriteFile(caFile, []byte("no certificate"), 0o600))
	assert.Contains(t, tableau.Hint(newClient(caFile).SignIn(t.Context())), "in PEM form")
	assert.True(t, errors.Is(newClient(caFile+"x").SignIn(t.Context()), os.ErrNotExist))
	client := newClient(caFile)
	client.HTTP = front.Client()
	assert.Contains(t, tableau.Hint(client.SignIn(t.Context())), "add the authorities to the HTTP client")
	client = newClient("")
	client.HTTP = front.Client()
	require.NoError(t, client.SignIn(t.Context()))
}
