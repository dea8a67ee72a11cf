package convert

import (
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

// request is one conversion that is asked for.
type request struct {
	field  arrow.Field // of the source
	to     target
	format *layout        // nil: ISO 8601
	zone   *time.Location // nil: none given
}

// conversion is a way from one kind to another.
type conversion struct {
	build  func(request) (kernel, error)
	format bool // a format makes a difference
	zone   use  // of a time zone
}

// use says whether something is part of a conversion.
type use int

const (
	useless use = iota
	optional
	needed
)

// conversions are all there are. Those from a kind to itself change the layout.
var conversions = map[kind]map[kind]conversion{
	boolean: {
		boolean: {build: copyBooleans}, integral: {build: integersTo}, float: {build: integersToFloats}, decimal: {build: integersTo},
		text: {build: toText},
	},
	integral: {
		boolean: {build: integersToBooleans}, integral: {build: integersTo}, float: {build: integersToFloats}, decimal: {build: integersTo},
		text: {build: toText},
	},
	decimal: {integral: {build: integersTo}, float: {build: integersToFloats}, decimal: {build: integersTo}, text: {build: toText}},
	float:   {integral: {build: floatsToNumbers}, float: {build: floatsToFloats}, decimal: {build: floatsToNumbers}, text: {build: toText}},
	blob:    {blob: {build: copyBytes}, text: {build: toText}, geography: {build: shapesToGeography}},
	uuid:    {blob: {build: copyBytes}, text: {build: toText}},
	wkb:     {blob: {build: copyBytes}, text: {build: shapesToText}, geography: {build: shapesToGeography}},
	date: {
		date: {build: toDates}, timestamp: {build: toTimestamps}, instant: {build: toInstants, zone: needed},
		text: {build: momentsToText, format: true},
	},
	timeOfDay: {timeOfDay: {build: toTimes}, text: {build: momentsToText, format: true}},
	timestamp: {
		date: {build: toDates}, timestamp: {build: toTimestamps}, instant: {build: toInstants, zone: needed},
		text: {build: momentsToText, format: true},
	},
	instant: {
		date: {build: toDates, zone: needed}, timestamp: {build: toTimestamps, zone: needed}, instant: {build: toInstants},
		text: {build: momentsToText, format: true, zone: optional},
	},
	interval: {text: {build: toText}},
	duration: {integral: {build: durationsToMicros}, text: {build: toText}},
	text: {
		boolean: {build: textsToBooleans}, integral: {build: textsToNumbers}, float: {build: textsToFloats}, decimal: {build: textsToNumbers},
		text: {build: copyBytes}, blob: {build: hexToBytes}, geography: {build: textsToGeography},
		date: {build: toDates, format: true}, timeOfDay: {build: toTimes, format: true},
		timestamp: {build: toTimestamps, format: true}, instant: {build: toInstants, format: true, zone: optional},
	},
}

// find is the kernel for what is asked of a column, nil if its values stay as they are.
func find(field arrow.Field, to target, c Column) (kernel, error) {
	from := kindOf(field)
	way, ok := conversions[from][to.kind]
	if from == allNull {
		way, ok = conversion{build: onlyNulls, format: true, zone: optional}, true
	}
	now, exists := standing(field)
	same := exists && now.sql == to.sql && from != wkb
	if same {
		way.format, way.zone = false, useless
	}
	if !ok && !same {
		return nil, noWay(field, to)
	}
	isUTC := batch.LogicalType(field) == batch.LogicalInt96 && way.zone == needed
	if isUTC {
		way.zone = optional
	}
	if err := c.checkUnused(way, to); err != nil {
		return nil, err
	}
	if same && (c.Default == nil || arrow.TypeEqual(field.Type, to.arrow)) {
		return nil, nil
	}
	if from == wkb && to.kind == geography {
		if err := checkCRS(field); err != nil {
			return nil, err
		}
	}
	r := request{field: field, to: to}
	var err error
	if r.zone, err = c.location(); err != nil {
		return nil, err
	}
	if r.zone == nil && isUTC {
		r.zone = time.UTC
	}
	if r.format, err = c.layout(); err != nil {
		return nil, err
	}
	return way.build(r)
}

// checkUnused refuses a format or a time zone that would make no difference, and the lack of
// a zone that is needed.
func (c Column) checkUnused(way conversion, to target) error {
	switch {
	case c.Format != "" && !way.format:
		return failure.New(failure.Config, "column %q: format has no meaning for %s here", c.Source, to.sql).
			WithHint("formats are for dates and times that are read from text or written to it: leave it out")
	case c.Timezone != "" && way.zone == useless:
		return failure.New(failure.Config, "column %q: timezone has no meaning for %s here", c.Source, to.sql).
			WithHint("a time zone tells local times from instants, such as TIMESTAMP from TIMESTAMPTZ: leave it out, or ask for type: timestamptz")
	case c.Timezone == "" && way.zone == needed:
		return failure.New(failure.Config, "column %q needs a time zone to become %s", c.Source, to.sql).
			WithHint("add the zone of its local times, such as timezone: Europe/Berlin or timezone: UTC")
	}
	return nil
}

func (c Column) location() (*time.Location, error) {
	if c.Timezone == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil || strings.EqualFold(c.Timezone, "local") { // which would be that of the worker
		return nil, failure.New(failure.Config, "column %q: there is no time zone %q", c.Source, c.Timezone).
			WithHint("give its IANA name, such as Europe/Berlin or UTC")
	}
	return zone, nil
}

func (c Column) layout() (*layout, error) {
	if c.Format == "" {
		return nil, nil
	}
	format, err := parseLayout(c.Format)
	if err != nil {
		return nil, failure.New(failure.Config, "column %q: format %q: %w", c.Source, c.Format, err).
			WithHint("write it like %%Y-%%m-%%d %%H:%%M:%%S.%%f")
	}
	return &format, nil
}

// noWay says what a column can become instead.
func noWay(field arrow.Field, to target) error {
	from := kindOf(field)
	var possible []string
	for _, t := range simpleTargets {
		if _, ok := conversions[from][t.kind]; ok {
			possible = append(possible, strings.ToLower(t.sql))
		}
	}
	if _, ok := conversions[from][decimal]; ok {
		possible = append(possible, "numeric(DIGITS,PLACES)")
	}
	hint := "it converts to " + strings.Join(possible, ", ")
	if from == integral && (to.kind == timestamp || to.kind == instant || to.kind == date) {
		hint = "a number does not say its unit and where it counts from: store it as a timestamp in the lake; " + hint
	}
	e := failure.New(failure.Config, "column %q has type %s, which does not convert to %s", field.Name, field.Type, to.sql)
	if len(possible) == 0 {
		return e.WithHint("leave the column out with source.select").BeforeData()
	}
	return e.WithHint("%s", hint).BeforeData()
}

// checkCRS refuses coordinates that are not degrees of longitude and latitude.
func checkCRS(field arrow.Field) error {
	crs, _ := field.Metadata.GetValue(batch.CRSKey)
	if crs == "" || crs == defaultCRS {
		return nil
	}
	return failure.New(failure.Source, "column %q holds shapes in the coordinate system %s; hyperd stores only %s",
		field.Name, crs, defaultCRS).
		WithHint("transform it in the lake, or keep the coordinates as they are with %s (or bytes)", line(field.Name, "type: text")).BeforeData()
}

const defaultCRS = "OGC:CRS84" // of Parquet: longitude and latitude in degrees

// onlyNulls converts columns without values to anything.
func onlyNulls(r request) (kernel, error) {
	return func(in arrow.Array) (arrow.Array, []int, error) {
		builder := array.NewBuilder(memory.DefaultAllocator, r.to.arrow)
		builder.AppendNulls(in.Len())
		return builder.NewArray(), nil, nil
	}, nil
}
