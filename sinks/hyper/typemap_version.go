package hyper

import (
	"fmt"
	"strconv"

	"hyperlake/internal/failure"
)

// Version is a version of the .hyper file format: 0, 2, 3 or 4. (1 exists but is
// deprecated.) Higher ones store more types and need newer Tableau versions.
type Version int

// MinVersion is the lowest version that is chosen unless the user asks for an older one.
const MinVersion Version = 2

const (
	wideNumericVersion Version = 3 // the first that stores NUMERIC of more than 18 digits
	realVersion        Version = 4 // the first that stores REAL
)

// FormatChoice is what the user says about the format version. The zero value leaves it
// to the schema.
type FormatChoice struct {
	Pinned  bool    `json:"pinned,omitempty"`
	Version Version `json:"version,omitempty"` // if pinned
}

// ParseFormatChoice reads a choice as it stands in a configuration: auto, 0, 2, 3 or 4. Its error says so of anything
// else; the caller knows the key.
func ParseFormatChoice(text string) (FormatChoice, error) {
	switch text {
	case "auto":
		return FormatChoice{}, nil
	case "0", "2", "3", "4":
		version, err := strconv.Atoi(text)
		return FormatChoice{Pinned: true, Version: Version(version)}, err
	case "1":
		return FormatChoice{}, fmt.Errorf("format version 1 is deprecated: use 0 or 2")
	}
	return FormatChoice{}, fmt.Errorf("format version %q is not one of auto, 0, 2, 3, 4", text)
}

// FormatVersion is the file format version for a file with these columns, and why: the
// lowest that stores all of them, at least MinVersion, or the one that the user chose. A
// chosen one that is too low is refused with a failure of kind Source.
func FormatVersion(columns []Column, choice FormatChoice) (version Version, why string, err error) {
	version, why = MinVersion, "no column needs a higher one"
	if choice.Pinned {
		version, why = choice.Version, "as configured"
	}
	for _, c := range columns {
		if c.Version <= version {
			continue
		}
		if choice.Pinned {
			return 0, "", failure.New(failure.Source, "column %q is %s, which needs format version %d, but output.format_version is %d",
				c.Source, c.SQLType, c.Version, choice.Version).
				WithHint("set output.format_version to auto or %d, or leave the column out with source.select", c.Version).BeforeData()
		}
		version, why = c.Version, fmt.Sprintf("column %q is %s", c.Source, c.SQLType)
	}
	return version, why, nil
}
