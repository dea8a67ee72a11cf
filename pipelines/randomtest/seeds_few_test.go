//go:build !faults && !nightly && !stores

package randomtest

// seeds is how many configurations are drawn.
const seeds = 50
