package ingest

import (
	"regexp"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
)

// What a sample of all files of a source may hold.
const (
	sampleRows      = 10_000
	sampleBytes     = 8 << 20
	sampleFileBytes = 64 << 10 // of each file at least, unless it has less, or the sample is full
)

// evidence is what texts of a sample were: JSON and sheets tell texts from numbers, CSV does not.
type evidence int

const (
	ofAnything evidence = iota // text that may stand for a value of any type
	ofText
	ofNumbers
	ofBooleans
	ofMoments // written by a number and a format
	ofSeveral // which only text holds
)

// and is what texts are of which some were one and some the other. What is of anything is not known yet.
func (e evidence) and(other evidence) evidence {
	switch {
	case e == ofAnything:
		return other
	case other == ofAnything || other == e:
		return e
	}
	return ofSeveral
}

// candidate is a type that a column may have whose texts all look like the pattern, and convert without a loss.
type candidate struct {
	sql     string
	pattern *regexp.Regexp
	of      []evidence
}

const (
	datePattern  = `\d{4}-\d{2}-\d{2}`
	clockPattern = `[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?`
)

// candidates are in the order in which they are tried: the first that holds all is taken. A number with leading zeros or a +
// is none, for it may be a code; neither is one with an exponent but without point or sign, such as 12E5.
var candidates = []candidate{
	{"bigint", whole, numerals},
	{"numeric(38,0)", whole, numerals},
	{"double precision", fractional, []evidence{ofAnything}},
	{"double precision", regexp.MustCompile(`^`), []evidence{ofNumbers}}, // that JSON has only one form of
	{"date", regexp.MustCompile(`^` + datePattern + `$`), moments},
	{"timestamp", regexp.MustCompile(`^` + datePattern + clockPattern + `$`), moments},
	{"timestamp", regexp.MustCompile(`^` + datePattern + `(` + clockPattern + `)?$`), []evidence{ofMoments}}, // at midnight where it is a date
	{"timestamptz", regexp.MustCompile(`^` + datePattern + clockPattern + `([Zz]|[+-]\d{2}(:?\d{2})?)$`), moments},
	{"boolean", regexp.MustCompile(`^(true|false|True|False|TRUE|FALSE)$`), []evidence{ofAnything, ofBooleans}},
}

var (
	whole      = regexp.MustCompile(`^(0|-?[1-9]\d*)$`)
	fractional = regexp.MustCompile(`^-?((0|[1-9]\d*)(\.\d+)?|\.\d+)$|^-?(0|[1-9]\d*)(\.\d+[eE][+-]?|[eE][+-])\d+$`)
	numerals   = []evidence{ofAnything, ofNumbers}
	moments    = []evidence{ofAnything, ofText, ofMoments}
)

// infer finds the type of the texts of a column, which is text if they have none in common, or if there are none.
func infer(values *array.String, of evidence) (arrow.DataType, error) {
	if values.NullN() == values.Len() {
		return arrow.BinaryTypes.String, nil
	}
	for _, c := range candidates {
		if !c.isFor(of) || !c.matches(values) {
			continue
		}
		if t, err := c.holds(values); t != nil || err != nil {
			return t, err
		}
	}
	return arrow.BinaryTypes.String, nil
}

func (c candidate) isFor(of evidence) bool {
	for _, e := range c.of {
		if e == of {
			return true
		}
	}
	return false
}

func (c candidate) matches(values *array.String) bool {
	for row := range values.Len() {
		if values.IsValid(row) && !c.pattern.MatchString(values.Value(row)) {
			return false
		}
	}
	return true
}

// holds says as which type the texts convert without a loss, nil if one does not.
func (c candidate) holds(values *array.String) (arrow.DataType, error) {
	const name = "values"
	schema := arrow.NewSchema([]arrow.Field{{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	converter, err := convert.Compile(schema, convert.Refuse, []convert.Column{{Source: name, Type: c.sql}})
	if err != nil {
		return nil, err
	}
	_, failures, err := converter.Apply(array.NewRecord(schema, []arrow.Array{values}, int64(values.Len())))
	if err != nil || len(failures) > 0 {
		return nil, err
	}
	t := converter.Schema().Field(0).Type
	lost := lossOf(t)
	for row := 0; lost != nil && row < values.Len(); row++ {
		if values.IsValid(row) && lost(values.Value(row)) != "" {
			return nil, nil
		}
	}
	return t, nil
}

// sampleShare is how much of a sample each of so many files gives.
func sampleShare(files int) (rows, bytes int) {
	return max(1, sampleRows/files), max(sampleFileBytes, sampleBytes/files)
}

// inferAll finds the types of the columns of a sample.
func inferAll(names []string, sample *texts, of func(column int) evidence) (*arrow.Schema, error) {
	fields := make([]arrow.Field, len(names))
	for i, name := range names {
		values, _ := sample.columns[i].finish().(*array.String)
		t, err := infer(values, of(i))
		if err != nil {
			return nil, err
		}
		fields[i] = arrow.Field{Name: name, Type: t, Nullable: true}
	}
	return arrow.NewSchema(fields, nil), nil
}

// checkReadable refuses a sample of which most rows cannot be read: the files are not what they were said to be, and types that were
// found by the rest would be of little.
func (t *texts) checkReadable(hint string) error {
	if len(t.rejects) <= len(t.lines) {
		return nil
	}
	first := t.rejects[0]
	return failure.New(failure.Source, "%d of the first %d rows cannot be read; of line %d of %s: %s",
		len(t.rejects), len(t.rejects)+len(t.lines), first.Line, first.File, first.Reason).WithHint("%s", hint).BeforeData()
}
