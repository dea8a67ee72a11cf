package dataflowtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// account is the service account that the credentials are of.
const account = "driver@lake-project.iam.gserviceaccount.com"

// tokens hands out tokens to whoever has the key.
type tokens struct {
	key *rsa.PrivateKey

	mu    sync.Mutex
	given map[string]bool
}

func newTokens(t testing.TB) *tokens {
	const bits = 2048
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return &tokens{key: key, given: map[string]bool{}}
}

// keyFile writes the key as Google gives it to users.
func (s *tokens) keyFile(t testing.TB, tokenURL string) string {
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	require.NoError(t, err)
	content, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": Project, "client_email": account, "client_id": "1", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokenURL,
	})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "key.json")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// serve gives a token for an assertion that was signed with the key.
func (s *tokens) serve(w http.ResponseWriter, r *http.Request) {
	_, err := jwt.Parse(r.FormValue("assertion"), func(*jwt.Token) (any, error) { return s.key.Public(), nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(account))
	if err != nil {
		http.Error(w, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`, http.StatusBadRequest)
		return
	}
	token := uuid.NewString()
	s.mu.Lock()
	s.given[token] = true
	s.mu.Unlock()
	_ = answer(w, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": time.Hour / time.Second})
}

// valid says whether a header has a token of ours.
func (s *tokens) valid(header string) bool {
	token, found := strings.CutPrefix(header, "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	return found && s.given[token]
}
