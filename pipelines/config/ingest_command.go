package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// IngestCommand says which program is run, and what it writes.
type IngestCommand struct {
	// Run is the program and its arguments, without a shell. It runs in the folder of the configuration. Required.
	Run []string `yaml:"run"`

	// Format is what it writes to stdout: jsonl, csv (the first line has the names), or arrow, a stream of Arrow's IPC format. Default: jsonl.
	Format CommandFormat `yaml:"format" json:",omitempty"`

	// Nested says what becomes of objects and lists of jsonl: json or flatten. Default: json.
	Nested NestedText `yaml:"nested" json:",omitempty"`

	// Timeout is after how long it is killed, with all that it has started, and has failed. Default: never.
	Timeout Span `yaml:"timeout" json:",omitzero"`

	// Environment names variables that it has besides those that every program gets. Default: none.
	Environment []string `yaml:"environment" json:",omitempty"`

	// Folder is that of the configuration, absolute.
	Folder string `yaml:"-" json:"-"`
}

// CommandFormat is what a program writes.
type CommandFormat string

// What it can be.
const (
	CommandJSONL CommandFormat = "jsonl"
	CommandCSV   CommandFormat = "csv"
	CommandArrow CommandFormat = "arrow"
)

// UnmarshalText reads the word as a configuration gives it.
func (f *CommandFormat) UnmarshalText(text []byte) error {
	return words.OneOf(f, text, CommandJSONL, CommandCSV, CommandArrow)
}

func (c *Config) checkCommand(key string, asked *IngestCommand) error {
	wrong := []error{c.checkSpanOfTime(key+".timeout", asked.Timeout)}
	switch at := key + ".run"; {
	case len(asked.Run) == 0 || asked.Run[0] == "":
		wrong = append(wrong, c.Problem(at, "%s names no program; write it with its arguments, as in run: [python3, fetch.py]", at))
	case slices.ContainsFunc(asked.Run, func(arg string) bool { return strings.ContainsRune(arg, 0) }):
		wrong = append(wrong, c.Problem(at, "%s holds a NUL character, which no argument can", at))
	}
	if at := key + ".nested"; c.Written(at) && asked.Format != CommandJSONL {
		wrong = append(wrong, c.Problem(at, "%s has no meaning beside format: %s; remove it", at, asked.Format))
	}
	for i, name := range asked.Environment {
		if at := fmt.Sprintf("%s.environment[%d]", key, i); !environmentName.MatchString(name) {
			wrong = append(wrong, c.Problem(at, "%s must be the name of a variable, made of letters, digits and _", at))
		}
	}
	return failure.Join(failure.Config, wrong...)
}

// setCommandDefaults fills in what is left out.
func (r *IngestCommand) setCommandDefaults(folder string) {
	r.Format, r.Folder = cmp.Or(r.Format, CommandJSONL), folder
	if r.Format == CommandJSONL {
		r.Nested = cmp.Or(r.Nested, NestedJSON)
	}
}
