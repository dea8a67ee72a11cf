package config

import (
	"slices"
	"strings"
	"time"

	"hyperlake/internal/strictyaml"
)

// tree is what a file says, with its variables filled in and the command line applied to it.
type tree struct {
	root    *strictyaml.Node // without its targets
	targets []string         // by name, in the order of the file
	date    time.Time        // of the run
	badDate error            // why that is not known, which is that of today then
}

// reader makes the tree of a file.
type reader struct {
	*File
	opts LoadOptions
	vars strictyaml.Variables

	// isLoose leaves what is wrong with variables, targets and settings as it is written; isWhole says that nothing was.
	isLoose, isWhole bool
}

func (f *File) newReader(opts LoadOptions) reader {
	return reader{File: f, opts: opts, vars: strictyaml.Variables{Values: opts.Vars, Environment: fromEnvironment}}
}

// pass takes what is wrong, and returns it unless the reader is loose.
func (r *reader) pass(err error) error {
	if err == nil || !r.isLoose {
		return err
	}
	r.isWhole = false
	return nil
}

// read makes the tree twice: only the first says which zone the date is of that fills variables.
func (r *reader) read() (read tree, err error) {
	if err := r.pass(r.vars.Check()); err != nil {
		return read, err
	}
	if read.root, _, err = r.build(); err != nil {
		return read, err
	}
	if read.date, read.badDate = dateOf(read.root, r.opts); read.badDate != nil { // which the zone says that stands there
		read.date = today(time.Now(), time.UTC)
	}
	r.vars.Date = func(text string) (string, error) {
		if r.isLoose && read.badDate != nil {
			return "", read.badDate
		}
		return shiftedDate(read.date, text)
	}
	read.root, read.targets, err = r.build()
	return read, err
}

// build fills in variables, puts the target over the rest, and applies the command line.
func (r *reader) build() (root *strictyaml.Node, targets []string, err error) {
	r.isWhole = true
	root, err = strictyaml.NewBuilder(r.at, r.fill).Build(r.body)
	if err != nil {
		return nil, nil, err
	}
	if err := root.Refusal(); err != nil {
		return nil, nil, err
	}
	if root.Kind != strictyaml.MappingNode {
		return nil, nil, strictyaml.Problem(root.At, "a configuration is made of keys and values (name: lineitem), but this is %s; "+
			"check for a missing space after a colon", root.Describe())
	}
	targets, err = applyTarget(root, r.opts.Target)
	if err = r.pass(err); err != nil {
		return nil, nil, err
	}
	return root, targets, r.applySettings(root)
}

// fill fills the variables of a text.
func (r *reader) fill(text string) (string, error) {
	filled, err := r.vars.Fill(text)
	if err != nil && r.pass(err) == nil {
		return text, nil
	}
	return filled, err
}

// applySettings applies the command line.
func (r *reader) applySettings(root *strictyaml.Node) error {
	for _, flag := range r.opts.Sets {
		set, err := strictyaml.ParseSetting(flag)
		if err == nil {
			err = set.Apply(root)
		}
		if err := r.pass(err); err != nil {
			return err
		}
	}
	for _, flag := range r.opts.flags() {
		set := strictyaml.NewSetting(strictyaml.Place{Flag: flag.Flag}, strings.Split(flag.Key, "."), flag.Value)
		if err := r.pass(set.Apply(root)); err != nil {
			return err
		}
	}
	return nil
}

// flags are the values of all flags that stand for a key.
func (o LoadOptions) flags() []FlagValue {
	if o.Runner == "" {
		return o.Flags
	}
	return append(slices.Clip(o.Flags), FlagValue{Flag: "--runner", Key: "runner.name", Value: o.Runner})
}
