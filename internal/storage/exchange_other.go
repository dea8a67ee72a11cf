//go:build !linux

package storage

import "errors"

// Exchange swaps two local files or folders of one file system in one step. Where the system or the file system cannot, it fails, and
// both are as they were.
func Exchange(_, _ string) error { return errors.ErrUnsupported }
