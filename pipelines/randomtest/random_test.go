package randomtest

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/runners/enginetest"
)

func TestMain(m *testing.M) { hyperdtest.Main(m.Run) }

// Whatever a configuration asks for, and whatever the lake holds: columns, rows, rejects, counts
// and exit code are what an evaluation says that knows nothing of the product.
func TestRandomConfigurations(t *testing.T) {
	openBuckets(t)
	enginetest.EachSeed(t, seeds, func(t *testing.T, seed uint64) {
		drawn := drawCase(seed)
		if found := drawn.try(t); found != nil {
			smallest, found := drawn.shrink(t, found)
			t.Fatalf("%s: %s\nHYPERLAKE_SEED=%d repeats it; the smallest case like it is\n%s", found.what, found.detail, seed, smallest)
		}
	})
}

// try runs a case, and says what differs.
func (c *testCase) try(t testing.TB) (found *difference) {
	t.Helper()
	root, err := os.MkdirTemp("", "r")
	require.NoError(t, err)
	defer func() {
		if r := recover(); r != nil { // of a case that shrinking made, and that has no meaning any more
			found = differ("panic", "%v\n%s", r, debug.Stack())
		}
		require.NoError(t, os.RemoveAll(root))
		emptyBuckets(t)
	}()
	got := c.run(t, root)
	if found := c.compareIngest(t, root, got); found != nil {
		return found
	}
	return c.expect(root).compareTo(got, c)
}
