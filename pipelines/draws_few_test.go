//go:build !faults && !nightly

package pipelines_test

// How much is drawn or combined. All of it is in the tests of faults, which CI runs.
const (
	nightSeeds    = 1 // sequences of nights for each kind of lake
	nightsDrawn   = 6 // nights of a sequence
	splitNights   = 5 // nights of a sequence whose extract is split
	equalitySeeds = 8 // tables with equality deletes

	// everyCombination says that places, kinds of lakes and engines are tried with each other, and not each with some of them.
	everyCombination = false
)
