package postgrestest

import (
	"os"
	"os/exec"
	"testing"
)

// owner is the user who runs the server: who runs the tests.
type owner struct{}

func newOwner(testing.TB, ...string) owner { return owner{} }

func (owner) own(*exec.Cmd) {}

func scratch() string { return os.TempDir() }
