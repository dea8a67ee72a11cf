package julian

import (
	_ "embed"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Zone is a time zone as Java's old classes and its new ones know it before 1900.
type Zone struct {
	offset    int64  // by the old ones, in seconds east of UTC
	before    int64  // seconds that timestamps move before the first step, besides their days
	steps     []step // in their order
	isUnknown bool
}

// step is how many seconds timestamps move from a second since 1970 on.
type step struct{ from, move int64 }

// Unknown is the zone of writers that do not name theirs.
var Unknown = &Zone{isUnknown: true}

// Second is by how many seconds a timestamp moves, by its second since 1970. It is false where
// that depends on a zone that is not known.
func (z *Zone) Second(second int64) (move int64, ok bool) {
	switch {
	case second >= FirstSecond:
		return 0, true
	case z.isUnknown:
		return 0, false
	}
	move = z.before
	for _, s := range z.steps {
		if second >= s.from {
			move = s.move
		}
	}
	if day := floorDiv(second+z.offset, secondsPerDay); day < FirstDay {
		move += shift(day) * secondsPerDay
	}
	return move, true
}

// zonesText, which MakeZones.java makes by asking Spark, has for each group of zones that are
// alike: their offset, before, steps and names.
//
//go:embed zones.txt
var zonesText string

var zones = sync.OnceValue(func() map[string]*Zone {
	all := map[string]*Zone{}
	for line := range strings.Lines(zonesText) {
		words := strings.Fields(line)
		zone := &Zone{offset: number(words[0]), before: number(words[1])}
		for _, word := range words[2:] {
			from, move, isStep := strings.Cut(word, ":")
			if isStep {
				zone.steps = append(zone.steps, step{number(from), number(move)})
			} else {
				all[word] = zone
			}
		}
	}
	return all
})

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

var (
	// fromGMT is how Java's old classes write an offset where a zone has no name.
	fromGMT = regexp.MustCompile(`^GMT([+-])(\d{1,2})(?::?([0-5]\d))?$`)
	// offset is how only its new classes write one, which to the old ones is UTC.
	offset = regexp.MustCompile(`^(?:UTC?)?[+-]\d{1,2}(?::?\d\d){0,2}$|^Z$`)
)

const maxOffset = 18 * 3600

// Named finds a zone by a name that Spark knows.
func Named(name string) (*Zone, bool) {
	if zone, ok := zones()[name]; ok {
		return zone, true
	}
	found := fromGMT.FindStringSubmatch(name)
	if found == nil {
		return &Zone{}, offset.MatchString(name)
	}
	seconds := number(found[2])*3600 + number("0"+found[3])*60
	if found[1] == "-" {
		seconds = -seconds
	}
	return &Zone{offset: seconds}, seconds >= -maxOffset && seconds <= maxOffset
}
