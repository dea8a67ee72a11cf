package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
)

// install makes a Python environment with the tools that this benchmark compares with and
// makes its lakes by, unless they are there.
func (b bench) install() error {
	required, err := os.ReadFile("cmd/bench/requirements.txt")
	if err != nil {
		return err
	}
	if installed, err := os.ReadFile(b.path("venv/installed")); err == nil && bytes.Equal(installed, required) {
		return nil
	}
	if err := call("python3", "-m", "venv", b.path("venv")); err != nil {
		return err
	}
	if err := call(b.python(), "-m", "pip", "install", "--quiet", "--requirement", "cmd/bench/requirements.txt"); err != nil {
		return err
	}
	return os.WriteFile(b.path("venv/installed"), required, 0o600)
}

// makeLineitem makes the lakes of lineitem at a scale.
func (b bench) makeLineitem(scale string) error {
	return call(b.python(), "cmd/bench/lakes.py", b.path("tpch"+scale), scale)
}

// makeLakes makes lakes.
func (b bench) makeLakes(lakes ...lake) error {
	for _, l := range lakes {
		if err := l.make(b.path(l.name)); err != nil {
			return fmt.Errorf("make the lake %s: %w", l.name, err)
		}
	}
	return nil
}

func call(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	return nil
}
