package machine

// RaiseFileLimit does nothing: Windows has no such limit.
func RaiseFileLimit() {}

func fileLimit() (most uint64, known bool) { return 0, false }

func taskLimits() []taskLimit { return nil }
