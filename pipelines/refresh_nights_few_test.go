//go:build !nightly

package pipelines_test

// nightSeeds is how many sequences of nights are drawn for each kind of lake.
const nightSeeds = 1
