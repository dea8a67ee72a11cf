package notify

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
)

// addressOf is the address of a webhook or of a dead man's switch. Its errors, of kind Config, name the variable and do not repeat
// its value.
func addressOf(target config.NotifyConfig) (*url.URL, error) {
	name := target.URLEnv + target.PingEnv
	value := strings.TrimSpace(os.Getenv(name))
	if value == "" {
		return nil, failure.New(failure.Config, "%s is not set", name).
			WithHint("set this variable to the address, where hyperlake runs")
	}
	where, err := url.Parse(value)
	if err != nil || where.Hostname() == "" {
		return nil, failure.New(failure.Config, "the value of %s is no address", name).
			WithHint("set this variable to an address that begins with https://")
	}
	if where.Scheme != "https" && (where.Scheme != "http" || !isLoopback(where.Hostname())) {
		return nil, failure.New(failure.Config, "the address in %s does not begin with https://", name).
			WithHint("only on this machine itself, as in http://localhost, is http:// taken")
	}
	return where, nil
}

// isLoopback says whether a host is this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// The hosts of services that take a format of their own. A dot at the beginning stands for whatever is before it.
var (
	slackHosts = []string{"hooks.slack.com", "hooks.slack-gov.com"}

	// teamsHosts are those of workflows, of Power Automate, and of the webhooks that Office 365 had before.
	teamsHosts = []string{".logic.azure.com", ".logic.azure.us", ".powerplatform.com", ".powerautomate.com", ".webhook.office.com"}
)

// formatOf is how a host is written to.
func formatOf(target config.NotifyConfig, host string) config.NotifyFormat {
	is := func(known string) bool {
		return host == known || strings.HasPrefix(known, ".") && strings.HasSuffix(host, known)
	}
	host = strings.ToLower(host)
	switch {
	case target.Format != config.NotifyAuto:
		return target.Format
	case slices.ContainsFunc(slackHosts, is):
		return config.NotifySlack
	case slices.ContainsFunc(teamsHosts, is):
		return config.NotifyTeams
	}
	return config.NotifyPlain
}

// Check says what a target is, without telling it anything: whether its variable holds an address, or its program is there. Errors
// are of kind Config.
func Check(target config.NotifyConfig) (found string, err error) {
	if len(target.Command) > 0 {
		path, err := exec.LookPath(programOf(target))
		if err != nil {
			return "", failure.New(failure.Config, "the command of notify cannot be run: %w", err).
				WithHint("check its path, which starts at the folder of the configuration, and that it may be executed")
		}
		return "runs " + path, nil
	}
	where, err := addressOf(target)
	if err != nil {
		return "", err
	}
	if target.PingEnv != "" {
		return "pings " + placeOf(target), nil
	}
	return "writes to " + placeOf(target) + " as " + string(formatOf(target, where.Hostname())), nil
}

// programOf is the program of a command: by its path, if it has one, else by a name that is looked for.
func programOf(target config.NotifyConfig) string {
	program := target.Command[0]
	if filepath.Base(program) != program && !filepath.IsAbs(program) {
		return filepath.Join(target.Folder, program)
	}
	return program
}
