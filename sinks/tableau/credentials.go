package tableau

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Credentials prove who signs in: [PersonalAccessToken] or [ConnectedApp].
type Credentials interface {
	// element makes the credentials of a sign-in request; the secrets in it are returned
	// as well, so that they can be kept out of messages.
	element(now time.Time) (wireCredentials, []Secret, error)
	// oldestAPI is the first version of the API that takes them.
	oldestAPI() Version
	// hint says what to check when the server does not accept them.
	hint() string
}

// PersonalAccessToken signs in as the user who made the token. A token has one session:
// signing in ends the one before.
type PersonalAccessToken struct {
	Name   string
	Secret Secret
}

func (t PersonalAccessToken) element(time.Time) (wireCredentials, []Secret, error) {
	if t.Name == "" || t.Secret.IsZero() {
		return wireCredentials{}, nil, fmt.Errorf("a personal access token needs its name and its secret: %w", ErrNoCredentials)
	}
	return wireCredentials{TokenName: t.Name, TokenSecret: t.Secret.Reveal()}, []Secret{t.Secret}, nil
}

func (PersonalAccessToken) oldestAPI() Version { return tokensAPI }

func (PersonalAccessToken) hint() string { return hints["401001"] }

// ConnectedApp signs in as a user whom the secret of a connected app (direct trust) vouches for.
type ConnectedApp struct {
	ClientID    string
	SecretID    string
	SecretValue Secret
	User        string   // name of the user
	Scopes      []string // empty: what publishing and updating need
}

// defaultScopes is what publishing and updating need.
var defaultScopes = []string{
	"tableau:content:read", "tableau:projects:create", "tableau:datasources:create",
	"tableau:file_uploads:create", "tableau:jobs:read", "tableau:hyper_data:update",
}

// The life of a signed token; clocks may differ by a little.
const (
	jwtLife = 5 * time.Minute
	jwtSkew = 5 * time.Second
)

func (a ConnectedApp) element(now time.Time) (wireCredentials, []Secret, error) {
	if a.ClientID == "" || a.SecretID == "" || a.SecretValue.IsZero() || a.User == "" {
		return wireCredentials{}, nil, fmt.Errorf(
			"a connected app needs its client id, secret id and secret value, and the name of a user: %w", ErrNoCredentials)
	}
	scopes := a.Scopes
	if len(scopes) == 0 {
		scopes = defaultScopes
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": a.ClientID, "sub": a.User, "aud": "tableau", "jti": uuid.NewString(), "scp": scopes,
		"iat": now.Add(-jwtSkew).Unix(), "nbf": now.Add(-jwtSkew).Unix(), "exp": now.Add(jwtLife).Unix(),
	})
	token.Header["kid"], token.Header["iss"] = a.SecretID, a.ClientID
	signed, err := token.SignedString([]byte(a.SecretValue.Reveal()))
	if err != nil {
		return wireCredentials{}, nil, fmt.Errorf("sign the token of the connected app: %w", err)
	}
	return wireCredentials{JWT: signed, IsUAT: "false"}, []Secret{a.SecretValue, NewSecret(signed)}, nil
}

func (ConnectedApp) oldestAPI() Version { return tokensAPI }

func (ConnectedApp) hint() string {
	return "check the client id, secret id and secret value of the connected app, that it is enabled, and the name of the user; " +
		"the clock of this machine must be right"
}
