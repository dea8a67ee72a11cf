package tableautest

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

const tokenHeader = "X-Tableau-Auth"

// session is a sign-in.
type session struct {
	site      *site
	tokenName string // of the personal access token; empty for a connected app
}

// maxRequestXML bounds the XML of a request.
const maxRequestXML = 1 << 20

func readAsk(r io.Reader) (ask, error) {
	var content ask
	raw, err := io.ReadAll(io.LimitReader(r, maxRequestXML))
	if err != nil {
		return ask{}, err
	}
	if err := xml.Unmarshal(raw, &content); err != nil {
		return ask{}, refuse(http.StatusBadRequest, "400000", "the request is not XML: %v", err)
	}
	return content, nil
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	token, found, err := s.openSession(r)
	if err != nil {
		writeProblem(w, err)
		return
	}
	writeReply(w, http.StatusOK, reply{Credentials: &credentialsElement{
		Token: token, Expiration: "240:00:00",
		Site: siteElement{ID: found.id, ContentURL: found.contentURL}, User: referenceElement{ID: uuid.NewString()},
	}})
}

func (s *Server) openSession(r *http.Request) (string, *site, error) {
	content, err := readAsk(r.Body)
	if err != nil {
		return "", nil, err
	}
	denied := refuse(http.StatusUnauthorized, "401001", "the credentials are not accepted")
	given := content.Credentials
	switch {
	case given == nil:
		return "", nil, refuse(http.StatusBadRequest, "400000", "there are no credentials")
	case given.JWT != "":
		if s.checkJWT(given.JWT) != nil {
			return "", nil, denied
		}
	case given.TokenName == "" || given.TokenSecret == "":
		return "", nil, denied
	case s.config.Tokens != nil && s.config.Tokens[given.TokenName] != given.TokenSecret:
		return "", nil, denied
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, found := range s.sites {
		if strings.EqualFold(found.contentURL, given.Site.ContentURL) {
			s.endSessionsOf(given.TokenName)
			token := strings.ReplaceAll(uuid.NewString()+"|"+uuid.NewString(), "-", "")
			s.sessions[token] = &session{site: found, tokenName: given.TokenName}
			return token, found, nil
		}
	}
	return "", nil, denied
}

// endSessionsOf ends what an earlier sign-in with the same personal access token began.
// The caller holds the lock.
func (s *Server) endSessionsOf(tokenName string) {
	for token, open := range s.sessions {
		if tokenName != "" && open.tokenName == tokenName {
			delete(s.sessions, token)
		}
	}
}

// checkJWT judges the token of a connected app.
func (s *Server) checkJWT(text string) error {
	_, err := jwt.Parse(text, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		secret, ok := s.config.AppSecrets[id]
		if !ok {
			return nil, fmt.Errorf("no connected app has the secret %q", id)
		}
		return []byte(secret), nil
	}, jwt.WithValidMethods([]string{"HS256"}), jwt.WithAudience("tableau"), jwt.WithExpirationRequired())
	return err
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := r.Header.Get(tokenHeader)
	if s.sessions[token] == nil {
		writeProblem(w, refuse(http.StatusUnauthorized, "401002", "the token is not valid"))
		return
	}
	delete(s.sessions, token)
	w.WriteHeader(http.StatusNoContent)
}

// signedIn lets a handler see requests with a valid token for their site only.
func (s *Server) signedIn(handler func(http.ResponseWriter, *http.Request, *site) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		open := s.sessions[r.Header.Get(tokenHeader)]
		s.mu.Unlock()
		if open == nil {
			writeProblem(w, refuse(http.StatusUnauthorized, "401002", "the token is not valid"))
			return
		}
		if open.site.id != r.PathValue("site") {
			writeProblem(w, refuse(http.StatusForbidden, "403004", "the token is for another site"))
			return
		}
		if err := handler(w, r, open.site); err != nil {
			writeProblem(w, err)
		}
	}
}
