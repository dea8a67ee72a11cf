package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"hyperlake/internal/environment"
	"hyperlake/internal/failure"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
)

// NotifyConfig is one place that is told how runs end. It has one of URLEnv, Command and PingEnv.
type NotifyConfig struct {
	// URLEnv names the variable of the environment that holds the address of a webhook. The address is a secret: who knows it can
	// write there.
	URLEnv string `yaml:"url_env" json:",omitempty"`

	// Format is how a webhook is written to. Default: auto, by the host of the address.
	Format NotifyFormat `yaml:"format" json:",omitempty"`

	// Command is a program and its arguments, which runs in the folder of the configuration, and reads the message on its stdin.
	Command []string `yaml:"command" json:",omitempty"`

	// Environment names variables that the command has besides those that every program gets. Default: none.
	Environment []string `yaml:"environment" json:",omitempty"`

	// PingEnv names the variable of the environment that holds the address of a dead man's switch, which is told of every start
	// and every end.
	PingEnv string `yaml:"ping_env" json:",omitempty"`

	// On is which ends of runs are told, none twice. Default: failure and recovered. A ping tells all.
	On []NotifyEvent `yaml:"on" json:",omitempty"`

	// Folder is that of the configuration, absolute.
	Folder string `yaml:"-" json:"-"`
}

// NotifyFormat is how a webhook is written to.
type NotifyFormat string

// The formats.
const (
	NotifyAuto  NotifyFormat = "auto"
	NotifySlack NotifyFormat = "slack" // a text, as Slack takes it, and what is like it
	NotifyTeams NotifyFormat = "teams" // an Adaptive Card, as workflows of Teams take it
	NotifyPlain NotifyFormat = "plain" // all that is known, as JSON
)

// UnmarshalText reads the word as a configuration gives it.
func (f *NotifyFormat) UnmarshalText(text []byte) error {
	return words.OneOf(f, text, NotifyAuto, NotifySlack, NotifyTeams, NotifyPlain)
}

// NotifyEvent is a way in which a run ends.
type NotifyEvent string

// The ways in which a run ends. A run that recovered ended in one of the three ways below, too.
const (
	NotifyFailure   NotifyEvent = "failure"   // not with exit code 0
	NotifyRecovered NotifyEvent = "recovered" // with exit code 0, after one that failed
	NotifyRejects   NotifyEvent = "rejects"   // with exit code 0, and with rejects
	NotifyUnchanged NotifyEvent = "unchanged" // with exit code 0, and nothing was to be done
	NotifySuccess   NotifyEvent = "success"   // otherwise with exit code 0
)

// UnmarshalText reads the word as a configuration gives it.
func (e *NotifyEvent) UnmarshalText(text []byte) error {
	return words.OneOf(e, text, NotifyFailure, NotifyRecovered, NotifyRejects, NotifyUnchanged, NotifySuccess)
}

// secretKeys are those under which people put what must not stand in a file.
var secretKeys = map[string]string{
	"url": "url_env", "webhook": "url_env", "webhook_url": "url_env", "ping": "ping_env", "ping_url": "ping_env",
}

// RefuseKey says why an address does not stand in a configuration.
func (NotifyConfig) RefuseKey(key string) (why string, isKnown bool) {
	instead, isKnown := secretKeys[key]
	return fmt.Sprintf("%s has no place in a configuration, for such an address is a secret; put it into a variable of the environment, "+
		"and name that: %s: NOTIFY_URL", key, instead), isKnown
}

// environmentName matches names of variables that every system takes.
var environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,199}$`)

// checkNotify checks what needs no environment, and fills in defaults.
func (c *Config) checkNotify() error {
	var wrong []error
	for i := range c.Notify {
		wrong = append(wrong, c.checkNotifyEntry(fmt.Sprintf("notify[%d]", i), i))
	}
	return failure.Join(failure.Config, wrong...)
}

func (c *Config) checkNotifyEntry(at string, index int) error {
	n := &c.Notify[index]
	var kinds []string
	for _, key := range []string{"url_env", "command", "ping_env"} {
		if c.Written(strictyaml.JoinKey(at, key)) {
			kinds = append(kinds, key)
		}
	}
	if len(kinds) != 1 {
		return c.Problem(at, "%s needs one of url_env, command and ping_env, but has %s", at, cmp.Or(strings.Join(kinds, " and "), "none"))
	}
	for _, check := range []func(at, kind string, n *NotifyConfig) error{c.checkNotifyNames, c.checkNotifyCommand, c.checkNotifyOn} {
		if err := check(at, kinds[0], n); err != nil {
			return err
		}
	}
	for i, other := range c.Notify[:index] {
		if n.URLEnv != "" && n.URLEnv == other.URLEnv || n.PingEnv != "" && n.PingEnv == other.PingEnv {
			return c.Problem(at, "notify[%d] and %s name the same variable, so that one place would be told twice; make one entry of them", i, at)
		}
	}
	return nil
}

// checkNotifyNames checks names of variables. Wrong ones are not repeated: they may be what belongs into the variable.
func (c *Config) checkNotifyNames(at, kind string, n *NotifyConfig) error {
	key := strictyaml.JoinKey(at, kind)
	if name := n.URLEnv + n.PingEnv; kind != "command" {
		switch {
		case !environmentName.MatchString(name):
			return c.Problem(key, "%s must be the name of a variable of the environment, made of letters, digits and _, "+
				"and not the address itself", key)
		case environment.IsInherited(name):
			return c.Problem(key, "%s names %s, which the programs get that a run starts, but the address is a secret; take another name", key, name)
		}
	}
	if key := strictyaml.JoinKey(at, "format"); kind != "url_env" && c.Written(key) {
		return c.Problem(key, "%s has no meaning beside %s; remove it", key, kind)
	}
	if kind == "url_env" {
		n.Format = cmp.Or(n.Format, NotifyAuto)
	}
	key = strictyaml.JoinKey(at, "environment")
	if kind != "command" && c.Written(key) {
		return c.Problem(key, "%s has no meaning beside %s; remove it", key, kind)
	}
	for i, name := range n.Environment {
		if !environmentName.MatchString(name) {
			key := fmt.Sprintf("%s[%d]", key, i)
			return c.Problem(key, "%s must be the name of a variable, made of letters, digits and _", key)
		}
	}
	return nil
}

func (c *Config) checkNotifyCommand(at, kind string, n *NotifyConfig) error {
	key := strictyaml.JoinKey(at, "command")
	switch {
	case kind != "command":
		return nil
	case len(n.Command) == 0 || n.Command[0] == "":
		return c.Problem(key, "%s names no program; write it with its arguments, as in command: [./tell.sh, team]", key)
	case slices.ContainsFunc(n.Command, func(arg string) bool { return strings.ContainsRune(arg, 0) }):
		return c.Problem(key, "%s holds a NUL character, which no argument can", key)
	}
	return nil
}

func (c *Config) checkNotifyOn(at, kind string, n *NotifyConfig) error {
	key := strictyaml.JoinKey(at, "on")
	switch {
	case kind == "ping_env" && c.Written(key):
		return c.Problem(key, "%s has no meaning beside ping_env: a dead man's switch is told of every run; remove it", key)
	case kind == "ping_env":
		return nil
	case !c.Written(key):
		n.On = []NotifyEvent{NotifyFailure, NotifyRecovered}
	case len(n.On) == 0:
		return c.Problem(key, "%s is an empty list; name what is told, or remove the key for [failure, recovered]", key)
	}
	for i, event := range n.On {
		if slices.Contains(n.On[:i], event) {
			return c.Problem(fmt.Sprintf("%s[%d]", key, i), "%s names %s twice; remove one", key, event)
		}
	}
	return nil
}

// Told is who is told how runs of a configuration end.
type Told struct {
	Name    string // of the configuration
	Targets []NotifyConfig
	State   string // the folder of the state; empty if it is not known
}

// Told is who is told of runs of the configuration.
func (c *Config) Told() Told { return Told{Name: c.Name, Targets: c.Notify, State: c.StateFolder()} }

// Told reads who is told of a run from a configuration that [File.Load] refuses, as far as its section notify is right. Else there
// are no targets. Variables without a value stay as they are written.
func (f *File) Told(opts LoadOptions) Told {
	opts.Flags, opts.Runner = nil, "" // which have nothing to do with it
	r := f.newReader(opts)
	r.isLoose = true
	read, err := r.read()
	if err != nil {
		return Told{}
	}
	root, path := read.root, f.at.File
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Told{}
	}
	placed := root.Only("name", "output", "state", "notify")
	if told, err := toldBy(placed, folder, (*Config).checkName, (*Config).checkOutput); err == nil && r.isWhole {
		return told
	}
	told, err := toldBy(root.Only("name", "notify"), folder, (*Config).checkName)
	if err != nil {
		told, err = toldBy(root.Only("notify"), folder)
		told.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	if err != nil {
		return Told{}
	}
	told.State = "" // it may be said where something is wrong
	return told
}

// toldBy reads a part of a configuration, and checks of it what is told and some more.
func toldBy(root *strictyaml.Node, folder string, checks ...func(*Config) error) (Told, error) {
	cfg, err := decodeConfig(root)
	if err != nil {
		return Told{}, err
	}
	for _, check := range append(checks, (*Config).checkNotify) {
		if err := check(cfg); err != nil {
			return Told{}, err
		}
	}
	if err := cfg.resolvePaths(folder); err != nil {
		return Told{}, err
	}
	return cfg.Told(), nil
}
