package failure

import "errors"

// IsFull says whether an error is that of a disk without room: for anything, for a file of
// that size, or for that user.
func IsFull(err error) bool {
	var known *Error
	return isFull(err) || errors.As(err, &known) && known.Full
}
