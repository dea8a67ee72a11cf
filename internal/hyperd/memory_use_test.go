package hyperd

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMemoryUse(t *testing.T) {
	usable := usableMemory()
	cases := map[string]uint64{
		"": usable / 100 * 50, "auto": usable / 100 * 50, "30%": usable / 100 * 30, "100%": usable / 100 * 100,
		"512k": 512 << 10, "300m": 300 << 20, "4G": 4 << 30, "1t": 1 << 40,
	}
	for value, want := range cases {
		t.Run(value, func(t *testing.T) {
			of, limit := Config{MemoryLimit: value}.MemoryUse()
			assert.Equal(t, usable, of)
			assert.Equal(t, want, limit)
		})
	}
}
