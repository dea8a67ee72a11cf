package hyperd

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMemoryUse(t *testing.T) {
	usable := usableMemory()
	cases := map[string]uint64{
		"": usable / 2, "auto": usable / 2, "25%": usable / 4, "100%": usable,
		"512k": 512 << 10, "300m": 300 << 20, "4G": 4 << 30, "1t": 1 << 40,
	}
	for value, want := range cases {
		t.Run(value, func(t *testing.T) {
			of, limit := Config{MemoryLimit: value}.MemoryUse()
			assert.Equal(t, usable, of)
			assert.InDelta(t, want, limit, 1)
		})
	}
}
