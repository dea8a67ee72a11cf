package config

import (
	"fmt"
	"os"
	"regexp"
)

// secretName matches the names of variables of the environment that hold secrets.
var secretName = regexp.MustCompile(`(?i)^tab_|secret|password|passwd|token|credential|api_?key|access_?key|account_?key`)

// fromEnvironment is the value of a variable of the environment that a configuration asks for. Values of configurations are printed,
// logged and kept with reports, so a secret is none.
func fromEnvironment(name string) (value string, known bool, err error) {
	if secretName.MatchString(name) {
		return "", false, fmt.Errorf("%s looks like a secret, which a configuration cannot hold, since its values reach logs and reports; "+
			"where a secret is needed, it is read from the environment itself", name)
	}
	value, known = os.LookupEnv(name)
	return value, known, nil
}
