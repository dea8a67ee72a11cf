//go:build !linux

package rejects

import "errors"

// exchange would swap two folders in one step.
func exchange(_, _ string) error { return errors.ErrUnsupported }
