package hyperd

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"hyperlake/internal/machine"
)

// autoPercent is what the hyperds of the workers of a machine may take by default, each
// an equal part: the other half is for decoding, and for the files that both go through
// the page cache.
const autoPercent = 50

// usableMemory is the memory in bytes that this process may use: the tightest limit of
// its cgroups (version 1 or 2) and all their ancestors, or the physical memory if that is
// less; 0 when neither can be read.
func usableMemory() uint64 { return tightest(memlimit.FromCgroup, memlimit.FromSystem) }

// tightest is the least that the providers report, 0 when none reports anything.
func tightest(providers ...memlimit.Provider) uint64 {
	var least uint64
	for _, provider := range providers {
		limit, err := provider()
		if err == nil && limit > 0 && (least == 0 || limit < least) {
			least = limit
		}
	}
	return least
}

// memoryLimit is a memory_limit as it was configured: a size in hyperd's notation or a
// percentage.
type memoryLimit struct {
	size    string
	percent uint64
	auto    bool // nobody asked for that percentage
}

func parseMemoryLimit(value string) (memoryLimit, bool) {
	if value == "" || value == "auto" {
		return memoryLimit{percent: autoPercent, auto: true}, true
	}
	if digits, ok := strings.CutSuffix(value, "%"); ok {
		percent, err := strconv.ParseUint(digits, 10, 64)
		return memoryLimit{percent: percent}, err == nil && percent >= 1 && percent <= 100
	}
	return memoryLimit{size: strings.ToLower(value)}, sizePattern.MatchString(value)
}

// sharers is how many hyperds divide the memory of this machine with the one that is
// configured so: only automatic limits are divided.
func (c Config) sharers() int {
	if limit, ok := parseMemoryLimit(c.MemoryLimit); !ok || !limit.auto {
		return 1
	}
	return machine.Workers()
}

// memoryLimitFlag is a valid memory_limit as hyperd takes it, for one of so many sharers.
// Percentages are worked out here: hyperd's own are of a memory that does not respect
// every cgroup limit.
func memoryLimitFlag(value string, usable uint64, sharers int) string {
	limit, _ := parseMemoryLimit(value)
	switch {
	case limit.size != "":
		return limit.size
	case usable == 0:
		return fmt.Sprintf("%d%%", max(1, limit.percent/uint64(sharers)))
	default:
		share := (usable/100*limit.percent + usable%100*limit.percent/100) / uint64(sharers)
		return fmt.Sprintf("%dm", max(1, share>>20)) // hyperd reads 0m as no limit
	}
}
