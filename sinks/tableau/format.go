package tableau

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// RuleFormat is the rule for the version of the .hyper file format.
const RuleFormat Rule = "the server reads the format version of the extract"

// release is a release of Tableau Server, such as 2021.4.4.
type release struct {
	Version
	maintenance int
}

// formats are the versions of the .hyper file format, newest first, and the releases that read
// them: the last one of a line and all that are newer, and maintenance releases of older ones.
// Version 0 is read by all that read .hyper files.
var formats = []struct {
	version int
	since   []release
}{
	{4, []release{{Version{2024, 3}, 0}}},
	{3, []release{{Version{2023, 1}, 0}}},
	{2, []release{
		{Version{2020, 4}, 15}, {Version{2021, 1}, 12}, {Version{2021, 2}, 9}, {Version{2021, 3}, 8}, {Version{2021, 4}, 4},
		{Version{2022, 1}, 2},
	}},
	{1, []release{{Version{2019, 2}, 10}, {Version{2019, 3}, 6}, {Version{2019, 4}, 5}, {Version{2020, 1}, 1}}},
}

// NewestFormat is the newest version of the .hyper file format that the server reads. Of one
// that does not tell its own version, that is the newest of all.
func (i ServerInfo) NewestFormat() int {
	for _, format := range formats {
		if i.Server.IsZero() || i.release().isSince(format.since) {
			return format.version
		}
	}
	return 0
}

// CheckFormat says what is wrong with an extract of that version of the .hyper file format on
// the server; nothing if it can be read.
func CheckFormat(version int, server ServerInfo) []Problem {
	newest := server.NewestFormat()
	if version <= newest {
		return nil
	}
	needed := ""
	for _, format := range formats {
		if format.version == version {
			needed = format.since[len(format.since)-1].String()
		}
	}
	return []Problem{{
		Rule: RuleFormat,
		Message: fmt.Sprintf("the extract has format version %d, and Tableau Server %s reads none above %d",
			version, server.Product, newest),
		Hint: fmt.Sprintf("build it with output.format_version: %d, or with auto and column types that need no higher one; "+
			"or publish to Tableau Server %s or newer", buildable(newest), needed),
	}}
}

// buildable is the newest version up to newest in which extracts are built: none are in 1.
func buildable(newest int) int {
	if newest == 1 {
		return 0
	}
	return newest
}

// release is that of the server. One whose maintenance release is not told counts as the last of its line.
func (i ServerInfo) release() release {
	made := release{i.Server, math.MaxInt}
	if parts := strings.Split(i.Product, "."); len(parts) > 2 {
		digits := parts[2]
		if end := strings.IndexFunc(digits, func(r rune) bool { return !unicode.IsDigit(r) }); end >= 0 {
			digits = digits[:end]
		}
		if number, err := strconv.Atoi(digits); err == nil {
			made.maintenance = number
		}
	}
	return made
}

// isSince says whether a release is one of those, or a newer one.
func (r release) isSince(since []release) bool {
	for _, first := range since {
		if r.Version == first.Version {
			return r.maintenance >= first.maintenance
		}
	}
	return since[len(since)-1].Before(r.Version)
}

func (r release) String() string {
	return r.Version.String() + "." + strconv.Itoa(r.maintenance)
}
