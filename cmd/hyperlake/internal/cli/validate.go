package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
)

// finding is something that is wrong with a configuration, as validate prints it for programs.
type finding struct {
	File    string `json:"file"`   // as it was named
	Line    int    `json:"line"`   // from 1; 0 where it is about the file as a whole, or about a flag, which the message names then
	Column  int    `json:"column"` // from 1, in characters; 0 as the line is
	Key     string `json:"key"`    // such as tables[0].name; empty where it is about no key
	Message string `json:"message"`
	Hint    string `json:"hint"` // may be empty
}

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate CONFIG…",
		Short: "Check configurations as far as that is possible without the lake",
		Long: `Check configurations as far as that is possible without the lake: whether they are written as
YAML, keys and values, what belongs together and what excludes each other, variables, globs,
types, formats, time zones, regular expressions, the conditions of where and of rules, and the SQL
of checks as far as quotation marks and parentheses go.

A configuration with targets is checked with each, or with the one of --target.

All that is wrong is told at once, a line each, as FILE:LINE:COLUMN: MESSAGE. Nothing but the
files is read; no server is asked, and no hyperd is needed. Whether columns are there, and of
which types, is for plan to say.`,
		Example: `  hyperlake validate nightly/*.yaml
  hyperlake validate orders.yaml --var REGION=eu --json`,
		Args: atLeastOneConfiguration,
		RunE: func(_ *cobra.Command, args []string) error { return a.validate(args) },
	}
}

func atLeastOneConfiguration(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	return failure.New(failure.Usage, "%s takes one or more configuration files, but none was given", cmd.CommandPath()).
		WithHint("usage: %s", cmd.UseLine())
}

// validate says of each file what is wrong with it, or that nothing is.
func (a *app) validate(named []string) error {
	files, err := configurationsOf(named)
	if err != nil {
		return err
	}
	all, wrong := []finding{}, 0
	p := a.resultPage()
	for _, file := range files {
		found := a.findingsOf(file)
		all = append(all, found...)
		if len(found) == 0 {
			p.spans(span{text: visible(file) + ": "}, span{"ok", goodColours})
			continue
		}
		wrong++
		for _, one := range found {
			p.line("%s", visible(one.String()))
		}
	}
	show := func() error { return a.printPage(p) }
	if a.flags.json {
		show = func() error { return a.printJSON(all) }
	}
	if err := show(); err != nil || wrong == 0 {
		return err
	}
	problems, of := words.Count(int64(len(all)), "problem"), words.Count(int64(len(files)), "configuration")
	return failure.New(failure.Config, "%s in %d of %s", problems, wrong, of).
		WithHint("correct what is listed above, and validate again")
}

// findingsOf are what is wrong with a file: with one of its targets, where the flags name one, else without any and with each. What is so
// with several is told once.
func (a *app) findingsOf(path string) []finding {
	file, options, err := a.flags.read(path, nil)
	if err != nil {
		return findings(path, err)
	}
	targets := []string{options.Target}
	if options.Target == "" {
		others, _ := file.Targets(options) // what is wrong with them is told without any of them, too
		targets = append(targets, others...)
	}
	var all []finding
	known := map[finding]bool{}
	for i, target := range targets {
		options.Target = target
		_, err := file.Load(options)
		for _, one := range findings(path, err) {
			if known[one] {
				continue
			}
			known[one] = true
			if i > 0 {
				one.Message += " (with --target " + target + ")"
			}
			all = append(all, one)
		}
	}
	return all
}

// findings are what an error says of a file, in its order.
func findings(file string, err error) []finding {
	var all []finding
	for _, one := range strictyaml.InOrder(err) {
		found := finding{File: file, Message: words.OneLine(one.Message), Hint: words.OneLine(one.Hint)}
		if placed := (*strictyaml.PlacedError)(nil); errors.As(one, &placed) {
			found.Key = placed.Key
			if placed.At.Flag == "" {
				found.Line, found.Column, found.Message = placed.At.Line, placed.At.Column, placed.Text
			}
		}
		all = append(all, found)
	}
	return all
}

// String is the finding as compilers and linters write theirs.
func (f finding) String() string {
	place := strictyaml.Place{File: f.File, Line: f.Line, Column: f.Column}
	text := place.String() + ": " + f.Message
	if f.Hint != "" {
		text += "; " + f.Hint
	}
	return text
}
