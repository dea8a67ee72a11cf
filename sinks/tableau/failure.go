package tableau

import (
	"errors"

	"hyperlake/internal/failure"
)

// Failure makes of an error of this package the one that users see, of kind Publish, with
// its hint. It is retryable when the same may succeed later and repeating it is harmless,
// and early when credentials are missing. Failure(nil) is nil.
func Failure(err error) *failure.Error {
	if err == nil {
		return nil
	}
	made := failure.New(failure.Publish, "%w", err).WithHint("%s", Hint(err))
	if errors.Is(err, ErrNoCredentials) {
		made = made.BeforeData()
	}
	var unknown *OutcomeUnknownError
	if IsTransient(err) && (!errors.As(err, &unknown) || unknown.Harmless) {
		made = made.Retryable()
	}
	return made
}
