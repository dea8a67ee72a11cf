package tableau

import (
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The variables of the environment, each also in upper case, and with _FILE added for
// the name of a file that holds the value.
const (
	varTokenName   = "tab_pat_name"
	varTokenSecret = "tab_secret_id"
	varSite        = "tab_site_id"
	varServer      = "tab_site_url"
	varAPIVersion  = "tab_api_version"

	varAppClient      = "tab_app_client_id"
	varAppSecretID    = "tab_app_secret_id"
	varAppSecretValue = "tab_app_secret_value"
	varAppUser        = "tab_app_user"
)

const credentialsHint = "set " + varTokenName + " and " + varTokenSecret + " (a personal access token), or " + varAppClient + ", " +
	varAppSecretID + ", " + varAppSecretValue + " and " + varAppUser + " (a connected app); " +
	"names with _FILE added may name files that hold them"

// Environment is what the variables of the environment say about a server.
type Environment struct {
	Server      string      // tab_site_url
	Site        string      // tab_site_id: the contentUrl of the site
	APIVersion  string      // tab_api_version
	Credentials Credentials // a personal access token or a connected app
}

// FromEnvironment reads the variables that lookup, such as os.LookupEnv, knows. A variable
// that is set but empty counts as missing. It fails with an *Error when a file cannot be
// read, when credentials are set in part or twice, and, wrapping [ErrNoCredentials], when
// there are none; what else was found is returned nevertheless.
func FromEnvironment(lookup func(string) (string, bool)) (Environment, error) {
	e := environment{lookup: lookup}
	found := Environment{Server: e.get(varServer), Site: e.get(varSite), APIVersion: e.get(varAPIVersion)}
	var err error
	found.Credentials, err = e.credentials()
	if e.err != nil {
		return found, e.err
	}
	return found, err
}

// EnvironmentCredentials are those that [FromEnvironment] finds, looked up anew at each
// sign-in: a long run signs in late, and the file that holds a secret may have been
// replaced by then.
func EnvironmentCredentials(lookup func(string) (string, bool)) Credentials {
	return environmentCredentials{lookup}
}

type environmentCredentials struct{ lookup func(string) (string, bool) }

func (c environmentCredentials) element(now time.Time) (wireCredentials, []Secret, error) {
	found, err := FromEnvironment(c.lookup)
	if err != nil {
		return wireCredentials{}, nil, err
	}
	return found.Credentials.element(now)
}

func (environmentCredentials) oldestAPI() Version { return tokensAPI }

func (c environmentCredentials) hint() string {
	if found, err := FromEnvironment(c.lookup); err == nil {
		return found.Credentials.hint()
	}
	return credentialsHint
}

const readCredentials = "read the credentials from the environment"

// credentials finds the one kind of credentials that is set, and set whole.
func (e *environment) credentials() (Credentials, error) {
	token := PersonalAccessToken{Name: e.get(varTokenName), Secret: NewSecret(e.get(varTokenSecret))}
	app := ConnectedApp{
		ClientID: e.get(varAppClient), SecretID: e.get(varAppSecretID),
		SecretValue: NewSecret(e.get(varAppSecretValue)), User: e.get(varAppUser),
	}
	missing := func(names ...string) error {
		return misuse(readCredentials, credentialsHint, "%w: set %s", ErrNoCredentials, strings.Join(names, ", "))
	}
	hasToken := token.Name != "" || !token.Secret.IsZero()
	hasApp := app.ClientID != "" || app.SecretID != "" || !app.SecretValue.IsZero()
	switch {
	case hasToken && hasApp:
		return nil, misuse(readCredentials, "unset one of them", "both a personal access token and a connected app are set")
	case hasApp && (app.ClientID == "" || app.SecretID == "" || app.SecretValue.IsZero() || app.User == ""):
		return nil, missing(varAppClient, varAppSecretID, varAppSecretValue, varAppUser)
	case hasApp:
		return app, nil
	case !hasToken:
		return nil, missing(varTokenName, varTokenSecret)
	case token.Name == "":
		return nil, missing(varTokenName)
	case token.Secret.IsZero():
		return nil, missing(varTokenSecret)
	}
	return token, nil
}

// environment reads variables and keeps the first failure.
type environment struct {
	lookup func(string) (string, bool)
	err    error
}

// get returns a variable by its name in lower case, else in upper case, else what is in
// the file that it names with _FILE added, as [environment.tidied].
func (e *environment) get(name string) string {
	upper := strings.ToUpper(name)
	for _, key := range []string{name, upper} {
		value, _ := e.lookup(key)
		if value = e.tidied(value, "the variable "+key); value != "" {
			return value
		}
	}
	for _, key := range []string{name + "_FILE", name + "_file", upper + "_FILE"} {
		path, _ := e.lookup(key)
		if path == "" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			e.fail(&Error{Action: "read the file that " + key + " names", err: err, Hint: "check the variable and the permissions of the file"})
			return ""
		}
		value := e.tidied(string(content), "the file that "+key+" names")
		if value == "" && name != varSite { // there, it is the default site
			e.fail(misuse(readCredentials, "write the value into it, or unset the variable", "the file that %s names is empty", key))
		}
		return value
	}
	return ""
}

// tidied is a value without what programs and people leave around it and what is never a part of it:
// a byte order mark, blanks and line ends. What is inside of it may be: a value that has line ends there, or is
// no text, is a failure, which does not show it.
func (e *environment) tidied(value, where string) string {
	value = trimAround(value)
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		e.fail(misuse(readCredentials, "write one line in UTF-8, with nothing but the value",
			"%s holds line ends or other characters that no value has", where))
		return ""
	}
	return value
}

func (e *environment) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// trimAround removes blanks of all kinds, line ends and byte order marks from both ends.
func trimAround(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' })
}
