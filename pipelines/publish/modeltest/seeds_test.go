//go:build !faults

package modeltest

// sequences is how many are drawn.
const sequences = 20
