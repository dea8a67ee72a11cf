package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
)

// Timezone is the IANA name of a time zone; UTC if it is empty.
type Timezone string

// Location is the zone itself; UTC where there is none of that name, which no [Config] that was loaded has.
func (z Timezone) Location() *time.Location {
	zone, err := z.find()
	if err != nil {
		return time.UTC
	}
	return zone
}

// find looks the zone up.
func (z Timezone) find() (*time.Location, error) {
	zone, err := time.LoadLocation(string(z))
	if err != nil || strings.EqualFold(string(z), "local") { // which would be that of the machine
		return nil, fmt.Errorf("there is no time zone %s; give its IANA name, such as Europe/Berlin or UTC", words.Shorten(string(z)))
	}
	return zone, nil
}

// today is the date of a moment in a zone, at midnight in UTC.
func today(now time.Time, zone *time.Location) time.Time {
	year, month, day := now.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// dateFlag gives the date of a run.
const dateFlag = "--date"

// dateOf is the date of a run: the one that is asked for, else today in the zone that a configuration has, whose variables but the
// date are filled.
func dateOf(root *strictyaml.Node, opts LoadOptions) (time.Time, error) {
	name, at, isText := root.Text("timezone")
	zone, err := Timezone(name).find()
	switch {
	case isText && strings.Contains(name, "${date"):
		return time.Time{}, strictyaml.Problem(at, "timezone decides on the date, so it cannot hold ${date}")
	case isText && name == "":
		return time.Time{}, strictyaml.Problem(at, "timezone is empty; give it a value, such as Europe/Berlin, or leave the key out for UTC")
	case isText && err != nil:
		return time.Time{}, strictyaml.Problem(at, "timezone: %v", err)
	case opts.Date == "" && isText:
		return today(time.Now(), zone), nil
	case opts.Date == "": // what stands there is refused when it is decoded, if anything does
		return today(time.Now(), time.UTC), nil
	}
	date, err := time.Parse(time.DateOnly, opts.Date)
	if err != nil || date.Year() < 1 {
		at := strictyaml.Place{Flag: dateFlag}
		return time.Time{}, strictyaml.Problem(at, "must be a day such as 2026-11-28, not %s", words.Shorten(opts.Date))
	}
	return date, nil
}

// shiftPattern matches what may stand between the braces of a date.
var shiftPattern = regexp.MustCompile(`^date(?:-(.+))?$`)

// shiftedDate is the text that fills ${date}, ${date-1d} and the like, of what stands between the braces.
func shiftedDate(date time.Time, text string) (string, error) {
	found := shiftPattern.FindStringSubmatch(text)
	if found == nil {
		return "", badShift(text)
	}
	if found[1] != "" {
		span, ok := readSpan(found[1])
		if !ok || span.Time != 0 {
			return "", badShift(text)
		}
		date = span.Before(date)
	}
	if date.Year() < 1 {
		return "", fmt.Errorf("${%s} is before the year 1", text)
	}
	return date.Format(time.DateOnly), nil
}

func badShift(text string) error {
	return fmt.Errorf("${%s} is no date; write ${date}, or what is to be taken off it in days or longer: ${date-1d}, ${date-2w}, "+
		"${date-36months} or ${date-1year}", text)
}
