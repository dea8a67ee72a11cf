//go:build unix

package storage

import "syscall"

// AsItIs are flags to open a file of a name that others may have given something else: a link is
// not followed, and nobody at the other end of a pipe is waited for.
const AsItIs = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
