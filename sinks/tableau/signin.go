package tableau

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// session is one sign-in. It does not change once requests use it.
type session struct {
	base    *url.URL // of the server, with the path in front of /api
	version Version
	token   Secret
	siteID  string
}

// SignIn signs in, unless the client is signed in already. Other methods do it by
// themselves; calling it first finds wrong credentials early. Failures are *Error.
func (c *Client) SignIn(ctx context.Context) error {
	_, err := c.session(ctx)
	return err
}

// session returns the current session and begins one if there is none.
func (c *Client) session(ctx context.Context) (*session, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	c.signing.Lock()
	defer c.signing.Unlock()
	if s := c.currentSession(); s != nil {
		return s, nil
	}
	return c.begin(ctx)
}

// renew replaces a session whose token was not accepted, unless somebody has done it
// since: of many requests that fail at once, one signs in.
func (c *Client) renew(ctx context.Context, old *session) error {
	c.signing.Lock()
	defer c.signing.Unlock()
	if s := c.currentSession(); s != nil && s != old {
		return nil
	}
	c.log().Info("the Tableau session ended, signing in again")
	_, err := c.begin(ctx)
	return err
}

func (c *Client) currentSession() *session {
	c.state.Lock()
	defer c.state.Unlock()
	return c.current
}

func (c *Client) setSession(s *session) {
	c.state.Lock()
	defer c.state.Unlock()
	c.current = s
}

// begin signs in. The caller holds c.signing.
func (c *Client) begin(ctx context.Context) (*session, error) {
	c.setSession(nil)
	if c.Credentials == nil {
		return nil, &Error{Action: "sign in", err: ErrNoCredentials, Hint: credentialsHint}
	}
	s := &session{base: c.origin}
	if err := c.negotiate(ctx, s); err != nil {
		return nil, err
	}
	if err := checkCredentials(c.Credentials, s.version); err != nil {
		return nil, err
	}
	element, secrets, err := c.Credentials.element(time.Now())
	if err != nil {
		return nil, &Error{Action: "sign in", err: err, Hint: credentialsHint}
	}
	for _, secret := range secrets {
		c.hide(secret)
	}
	element.Site.ContentURL = c.Site
	if err := c.exchangeCredentials(ctx, s, element); err != nil {
		return nil, err
	}
	c.setSession(s)
	return s, nil
}

// exchangeCredentials trades credentials for a token, which it puts into the session.
func (c *Client) exchangeCredentials(ctx context.Context, s *session, element wireCredentials) error {
	content, err := request{Credentials: &element}.encode()
	if err != nil {
		return &Error{Action: "sign in", err: errors.New("the credentials cannot stand in a request"), Hint: credentialsHint}
	}
	call := call{action: "sign in", method: http.MethodPost, path: "/auth/signin", body: xmlBody(content), repeatable: true}
	reply, err := c.doUnsigned(ctx, s, call)
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusUnauthorized {
			e.Hint = c.Credentials.hint()
		}
		return err
	}
	if reply.Credentials == nil || reply.Credentials.Token == "" || reply.Credentials.Site.ID == "" {
		return c.incomplete(call, reply, "the reply holds no token")
	}
	s.token, s.siteID = NewSecret(reply.Credentials.Token), reply.Credentials.Site.ID
	c.hide(s.token)
	return nil
}

// SignOut ends the session, if there is one; a session that has ended already is no
// failure. The client can be used again: it then signs in anew.
func (c *Client) SignOut(ctx context.Context) error {
	c.signing.Lock()
	defer c.signing.Unlock()
	s := c.currentSession()
	if s == nil {
		return nil
	}
	c.setSession(nil)
	_, err := c.doUnsigned(ctx, s, call{action: "sign out", method: http.MethodPost, path: "/auth/signout", repeatable: true})
	if IsUnauthorized(err) {
		return nil
	}
	return err
}
