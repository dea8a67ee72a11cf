package config

import (
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
)

// targetsKey is the key of the targets of a configuration: what differs where it runs, by name. A target is
// written as the configuration is, with only what is different there (see [strictyaml.Node.Overlay]).
const targetsKey = "targets"

// extensionPrefix begins keys at the top that are not read: what anchors name stands there, and what is for other programs.
const extensionPrefix = "x-"

// Targets are the names of the targets of the configuration, in the order of the file. An error is as those of [File.Load].
func (f *File) Targets(opts LoadOptions) ([]string, error) {
	opts.Target = ""
	r := f.newReader(opts)
	read, err := r.read()
	return read.targets, err
}

// applyTarget takes the targets and the keys that are not read out of a tree, and puts a target over the rest; empty for none.
func applyTarget(root *strictyaml.Node, target string) (names []string, err error) {
	for _, key := range root.Keys() {
		if strings.HasPrefix(key, extensionPrefix) {
			root.Take(key)
		}
	}
	targets := root.Take(targetsKey)
	if targets != nil {
		if names, err = targetNames(targets); err != nil {
			return nil, err
		}
	}
	if target == "" {
		return names, nil
	}
	at := strictyaml.Place{Flag: "--target " + target}
	if !slices.Contains(names, target) {
		return names, unknownTarget(at, target, names)
	}
	return names, root.Overlay(targets.Take(target), "")
}

// targetNames are the names of the targets, each of which is a mapping.
func targetNames(targets *strictyaml.Node) (names []string, err error) {
	if err := targets.Refusal(); err != nil {
		return nil, err
	}
	if targets.Kind != strictyaml.MappingNode {
		return nil, strictyaml.Problem(targets.At, "%s must be a mapping from names to what is different there, not %s",
			targetsKey, targets.Describe())
	}
	var wrong []error
	for _, name := range targets.Keys() {
		target := targets.Value(name)
		switch path := strictyaml.JoinKey(targetsKey, name); {
		case target.Refusal() != nil:
			wrong = append(wrong, target.Refusal())
		case target.Kind != strictyaml.MappingNode:
			wrong = append(wrong, strictyaml.Problem(target.At, "%s must be a mapping (key: value), not %s", path, target.Describe()))
		case slices.Contains(target.Keys(), targetsKey):
			wrong = append(wrong, strictyaml.Problem(target.At, "%s has targets of its own; name all of them beside each other", path))
		}
		names = append(names, name)
	}
	return names, failure.Join(failure.Config, wrong...)
}

func unknownTarget(at strictyaml.Place, target string, names []string) error {
	if len(names) == 0 {
		return strictyaml.Problem(at, "the configuration has no %s", targetsKey)
	}
	if near, ok := words.Nearest(target, names); ok {
		return strictyaml.Problem(at, "the configuration has no such target; did you mean %q?", near)
	}
	return strictyaml.Problem(at, "the configuration has no such target; it has %s", strings.Join(names, ", "))
}
