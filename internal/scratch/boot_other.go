//go:build !linux

package scratch

// FindBoot finds nothing: boot starts workers on Linux.
func FindBoot(string) ([]string, error) { return nil, nil }

// Runs cannot tell, and is not asked.
func Runs(string) (bool, error) { return true, nil }
