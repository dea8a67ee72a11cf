package environment

// startOver does nothing: a process of Windows cannot.
func startOver([]string) error { return nil }
