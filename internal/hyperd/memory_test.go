package hyperd

import (
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/stretchr/testify/assert"
)

func TestTightest(t *testing.T) {
	limit := memlimit.Limit
	none := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	tests := map[string]struct {
		cgroup, system memlimit.Provider
		want           uint64
	}{
		"the cgroup is tighter":         {limit(1 << 30), limit(16 << 30), 1 << 30},
		"a cgroup beyond the machine":   {limit(64 << 30), limit(16 << 30), 16 << 30},
		"no limit":                      {none, limit(16 << 30), 16 << 30},
		"only the cgroup can be read":   {limit(1 << 30), none, 1 << 30},
		"a cgroup that says nothing":    {limit(0), limit(16 << 30), 16 << 30},
		"nothing can be read on system": {none, none, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, tightest(test.cgroup, test.system))
		})
	}
}

func TestUsableMemoryIsKnownHere(t *testing.T) {
	system, err := memlimit.FromSystem()
	assert.NoError(t, err)
	assert.NotZero(t, usableMemory())
	assert.LessOrEqual(t, usableMemory(), system)
}

func TestMemoryLimitFlag(t *testing.T) {
	tests := []struct {
		value   string
		usable  uint64
		sharers int
		want    string
	}{
		{"", 8 << 30, 1, "4096m"},
		{"auto", 8 << 30, 1, "4096m"},
		{"auto", 8 << 30, 4, "1024m"},
		{"100%", 1000 << 20, 1, "1000m"},
		{"60%", 1000 << 20, 1, "600m"},
		{"1%", 1 << 20, 1, "1m"},     // never 0m, which is no limit
		{"auto", 8 << 20, 100, "1m"}, // the same
		{"auto", 0, 1, "50%"},        // of what hyperd takes for the machine's memory
		{"auto", 0, 2, "25%"},        // the same
		{"auto", 0, 100, "1%"},       // never 0%
		{"60%", 0, 1, "60%"},
		{"4g", 1 << 30, 1, "4g"}, // as it was asked for
		{"512M", 1 << 30, 1, "512m"},
		{"100%", 1<<64 - 1, 1, "17592186044415m"}, // no overflow
	}
	for _, test := range tests {
		assert.Equal(t, test.want, memoryLimitFlag(test.value, test.usable, test.sharers), "%s of %d for %d", test.value, test.usable, test.sharers)
	}
}
