package convert

import (
	"errors"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// carried are the kinds that values of a kind become by way of text as they do at once.
var carried = map[kind][]kind{
	boolean:   {boolean, text},
	integral:  {boolean, integral, decimal, text},
	decimal:   {integral, decimal, text},
	float:     {integral, float, decimal, text},
	text:      {boolean, integral, float, decimal, text, blob, geography, date, timeOfDay, timestamp, instant},
	blob:      {blob, text},
	uuid:      {text},
	date:      {date, timestamp, instant, text},
	timeOfDay: {timeOfDay, text},
	timestamp: {timestamp, instant, text},
	instant:   {instant, text},
	interval:  {text},
	duration:  {text},
}

// Carries says whether text can carry the values of a field to the type that is asked for,
// which the text then converts to. That is for a column whose files have it in several types,
// none of which holds the values of all.
func Carries(field arrow.Field, asked Column) bool {
	to, err := parseType(asked.Type)
	from := kindOf(field)
	if err != nil || !slices.Contains(carried[from], to.kind) {
		return false
	}
	if from == float && to.kind == float && !arrow.TypeEqual(field.Type, to.arrow) {
		return false // digits that tell the numbers of one type apart are other numbers of the other
	}
	isLocal := from == date || from == timestamp
	return from == text || asked.Format == "" && (to.kind != instant || !isLocal || asked.Timezone != "")
}

// Texts writes the values of a field that text carries ([Carries]) as such text. Another field is an error, and
// so is a value that has no text; it is not named.
func Texts(field arrow.Field, values arrow.Array) (arrow.Array, error) {
	if _, ok := carried[kindOf(field)]; !ok {
		return nil, errNoText
	}
	write, err := toText(request{field: field, to: textTarget})
	if err != nil {
		return nil, err
	}
	texts, failed, err := write(values)
	if len(failed) > 0 {
		err = errNoText
	}
	return texts, err
}

var errNoText = errors.New("a value cannot be written as text")
