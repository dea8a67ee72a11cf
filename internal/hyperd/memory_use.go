package hyperd

import (
	"strconv"
	"strings"
)

// MemoryUse says how much memory in bytes this process may use, and how much its hyperd may
// take by its memory_limit; 0 stands for what is not known. The config is a valid one.
func (c Config) MemoryUse() (usable, limit uint64) {
	usable = usableMemory()
	asked, _ := parseMemoryLimit(c.MemoryLimit)
	if asked.size == "" {
		return usable, usable/100*asked.percent + usable%100*asked.percent/100
	}
	last := len(asked.size) - 1
	units, err := strconv.ParseUint(asked.size[:last], 10, 64)
	if err != nil {
		return usable, 0
	}
	return usable, units << (10 * (1 + strings.Index("kmgt", asked.size[last:])))
}
