//go:build unix

package guard

import "syscall"

// asItIs is storage.AsItIs, which stands above this package.
const asItIs = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
