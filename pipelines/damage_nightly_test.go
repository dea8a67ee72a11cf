//go:build nightly

package pipelines_test

import (
	"testing"
)

// TestManyMutantsAreAlike is [TestMutantsAreAlike] for thousands of them, with a run for each that is refused.
func TestManyMutantsAreAlike(t *testing.T) { holdMutants(t, mutantSeeds, 300, true) }
