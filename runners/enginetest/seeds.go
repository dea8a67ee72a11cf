package enginetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// EachSeed runs a test with some seeds, each as a subtest that is named after it: as many as
// few, or as the environment variable HYPERLAKE_SEEDS says, or the one that HYPERLAKE_SEED
// gives, to see what another run has seen.
func EachSeed(t *testing.T, few int, test func(t *testing.T, seed uint64)) {
	t.Helper()
	seeds, err := seeds(few)
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { test(t, seed) })
	}
}

// EachSequence is [EachSeed] with the same few seeds every time, unless the environment asks for others.
func EachSequence(t *testing.T, few int, test func(t *testing.T, seed uint64)) {
	t.Helper()
	if os.Getenv("HYPERLAKE_SEED") != "" || os.Getenv("HYPERLAKE_SEEDS") != "" {
		EachSeed(t, few, test)
		return
	}
	for seed := range uint64(few) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { test(t, seed) })
	}
}

func seeds(few int) ([]uint64, error) {
	if given := os.Getenv("HYPERLAKE_SEED"); given != "" {
		seed, err := strconv.ParseUint(given, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("HYPERLAKE_SEED: %w", err)
		}
		return []uint64{seed}, nil
	}
	if many := os.Getenv("HYPERLAKE_SEEDS"); many != "" {
		var err error
		if few, err = strconv.Atoi(many); err != nil {
			return nil, fmt.Errorf("HYPERLAKE_SEEDS: %w", err)
		}
	}
	seeds := make([]uint64, few)
	for i := range seeds {
		seeds[i] = uint64(rand.Uint32())
	}
	return seeds, nil
}
