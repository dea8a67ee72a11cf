//go:build !faults && !nightly

package publish_test

// syncSeeds is how many sequences of nights with mode sync are drawn.
const syncSeeds = 2
