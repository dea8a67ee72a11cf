// Package environment says which variables of the environment go on to the programs that
// this process starts. Secrets do not: neither those with which it publishes, nor those with
// which it reads from storage, nor any that it does not know of. So it is not for a list of
// secrets to be complete, but for one of what programs need.
package environment

import (
	"os"
	"slices"
	"strings"
)

// plain are the variables of every program, in upper case: where it finds things, where it
// keeps temporary files, and how it writes texts and times.
var plain = []string{
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TMP", "TEMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
	// Of Windows:
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "OS", "USERNAME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH",
	"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "NUMBER_OF_PROCESSORS", "PROCESSOR_*",
}

// fetching are those of pip and npm beside them: how they are set up, and how they reach
// the index that they fetch from, with what they need to sign in there.
var fetching = []string{
	"PIP_*", "PYTHON*", "PYENV_*", "VIRTUAL_ENV", "CONDA_*", "NPM_*", "NODE_*", "NVM_*", "ASDF_*", "MISE_*", "XDG_*",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC",
}

// ForPrograms is the environment of programs that this process starts, as NAME=VALUE, with those of more variables that are set.
func ForPrograms(more ...string) []string {
	all := chosen(plain)
	for _, name := range more {
		if value, isSet := os.LookupEnv(name); isSet {
			all = append(all, name+"="+value)
		}
	}
	return all
}

// ForFetching is the environment of pip and npm.
func ForFetching() []string { return chosen(plain, fetching) }

// IsInherited says whether programs that this process starts get a variable of that name, so that it is no place for a secret.
func IsInherited(name string) bool { return isNamed(name, plain, fetching) }

// chosen are the variables of this process that one of the lists names.
func chosen(lists ...[]string) []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return !isNamed(name, lists...)
	})
}

// isNamed says whether one of the lists names a variable, in whatever case.
func isNamed(name string, lists ...[]string) bool {
	return slices.ContainsFunc(slices.Concat(lists...), func(pattern string) bool { return matches(pattern, strings.ToUpper(name)) })
}

// matches compares a name with a pattern, which may end in a star.
func matches(pattern, name string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, start)
	}
	return pattern == name
}

// tableau begins the names of the variables with which this program signs in to Tableau.
const tableau = "TAB_"

// WithoutTableau removes the variables with which this program signs in to Tableau from the
// environment of this process, which does not publish. It belongs first into such a process:
// where the system shows others of this user the environment with which a process was
// started, and there are such variables, it starts over without them. It fails where they cannot be removed:
// the process should end then.
func WithoutTableau() error {
	var kept []string
	found := false
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(strings.ToUpper(name), tableau) {
			kept = append(kept, variable)
			continue
		}
		found = true
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	if !found {
		return nil
	}
	return startOver(kept)
}
