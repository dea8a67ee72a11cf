//go:build unix

package storage_test

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/storage"
)

func TestAFullDiskHasAHint(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		err := fmt.Errorf("write it: %w", &fs.PathError{Op: "write", Path: "/full/file", Err: cause})
		assert.Contains(t, storage.Hint(err), "make room", cause)
	}
	assert.Empty(t, storage.Hint(&fs.PathError{Op: "write", Path: "/odd/file", Err: syscall.EIO}))
}
