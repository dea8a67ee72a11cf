package convert

import "hyperlake/internal/failure"

// Problem is something that is wrong with what is asked for a column.
type Problem struct {
	Key string // the key to correct: type, format, timezone or default
	Err error  // of kind Config
}

// Problems are what is wrong with what is asked for a column, whatever its values are: types, formats and time zones that there are not,
// and a default that does not convert to the type. What they let pass, [Compile] may still refuse.
func (c Column) Problems() []Problem {
	var wrong []Problem
	to, err := target{}, error(nil)
	if c.Type != "" {
		if to, err = parseType(c.Type); err != nil {
			wrong = append(wrong, Problem{"type", err})
		}
	}
	if _, err := c.layout(); err != nil {
		wrong = append(wrong, Problem{"format", err})
	}
	_, badZone := c.location()
	if badZone != nil {
		wrong = append(wrong, Problem{"timezone", badZone})
	}
	if c.Default == nil || c.Type == "" || err != nil || badZone != nil {
		return wrong
	}
	if _, err := defaultValue(to, c); err != nil {
		wrong = append(wrong, Problem{"default", failure.Of(err, failure.Config)})
	}
	return wrong
}
