//go:build nightly

package pipelines_test

// How much is drawn or combined. All of it is in the tests of faults, which CI runs.
const (
	nightSeeds    = 200 // sequences of nights for each kind of lake
	nightsDrawn   = 12  // nights of a sequence
	splitNights   = 10  // nights of a sequence whose extract is split
	equalitySeeds = 25  // tables with equality deletes

	// everyCombination says that places, kinds of lakes and engines are tried with each other, and not each with some of them.
	everyCombination = true
)
