//go:build stores && !nightly

package randomtest

// seeds is how many configurations are drawn.
const seeds = 40
