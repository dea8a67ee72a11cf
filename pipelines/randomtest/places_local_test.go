//go:build !stores

package randomtest

// placed is how many configurations of a hundred have something on object storage, where that is drawn.
const placed = 30
