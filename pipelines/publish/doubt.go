package publish

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/tableau"
)

// openError says that a delivery cannot be made, or is not known to be made: nobody knows whether the data
// source has its rows, or it has them already, or some of them.
type openError struct {
	datasource string
	delivery   *delivery // that is in the way, or came to that
	want       *delivery
	why        error // nil if it is of an earlier command
	tried      error // why the rows of the data source did not tell; nil if they were not looked at
}

func (e *openError) Unwrap() []error { return []error{e.why, e.tried} }

func (e *openError) Error() string {
	text := e.what()
	if e.why != nil {
		text = e.why.Error()
	}
	if e.tried != nil {
		text += "; " + e.tried.Error()
	}
	return text
}

// what says what is known of a delivery of an earlier command.
func (e *openError) what() string {
	d := e.delivery
	when := fmt.Sprintf("at %s UTC (run %s, mode %s)", d.Started.Format(time.DateTime), d.RunID, d.Mode)
	switch {
	case d.progress() == wholly:
		return fmt.Sprintf("the same rows were published to %q %s", e.datasource, when)
	case d.progress() != inDoubt:
		return fmt.Sprintf("of the same rows, sent to %q %s, the data source has %s", e.datasource, when, e.applied())
	case d.doubtful()[0].Once:
		rows := "the same rows"
		if len(d.Steps) > 1 {
			rows = e.inDoubt() + " of them"
		}
		return fmt.Sprintf("%s came to %q %s, but somebody else changed the data source since: "+
			"nobody knows whether they are still there: look first", rows, e.datasource, when)
	case d.Set != "":
		return fmt.Sprintf("nobody knows whether extract %d of %d is in the data source %q, to which they were being sent since %s UTC (run %s)",
			slices.Index(d.Steps, d.doubtful()[0])+1, len(d.Steps), e.datasource, d.Started.Format(time.DateTime), d.RunID)
	case len(d.Steps) > 1:
		return fmt.Sprintf("nobody knows whether %s of the same rows, sent to %q %s, are there: look first", e.inDoubt(), e.datasource, when)
	}
	return fmt.Sprintf("nobody knows whether the same rows, sent to %q %s, are there: look first", e.datasource, when)
}

// applied names what the data source has for sure.
func (e *openError) applied() string {
	return e.parts(func(s *step) bool { return s.State == applied })
}

// inDoubt names that of which nobody knows.
func (e *openError) inDoubt() string { return e.parts((*step).inDoubt) }

func (e *openError) parts(which func(*step) bool) string {
	var numbers []string
	var rows int64
	for i, s := range e.delivery.Steps {
		if which(s) {
			numbers, rows = append(numbers, fmt.Sprint(i+1)), rows+s.Rows
		}
	}
	noun := "part"
	if e.delivery.Set != "" {
		noun = "extract"
	}
	if len(numbers) > 1 {
		noun += "s"
	}
	return fmt.Sprintf("%s %s of %d (%s)", noun, strings.Join(numbers, ", "), len(e.delivery.Steps), words.Count(rows, "row"))
}

// waysOn has the commands that finish the work, one for each thing that may turn out; command repeats the publishing.
func (e *openError) waysOn(command string) string {
	d := e.delivery
	switch {
	case d.progress() == wholly:
		return fmt.Sprintf("to add its rows once more, use `%s --force`", command)
	case d.progress() != inDoubt && !d.same(e.want):
		return fmt.Sprintf("`%s --mode %s` adds the rest; `%[1]s --force` adds all of them, whatever is there", command, d.Mode)
	case d.progress() != inDoubt && d.Set != "":
		return fmt.Sprintf("`%s` goes on with the first extract that is not there", command)
	case d.progress() != inDoubt:
		return fmt.Sprintf("`%s` goes on with the parts that are not there", command)
	case d.Set != "" && d.Steps[0].inDoubt() && d.Mode != config.PublishMode(tableau.Create):
		return fmt.Sprintf("`%s` sends all extracts again, the first of which replaces what is there", command)
	case d.Mode.Syncs() && e.want.Mode.Syncs():
		return fmt.Sprintf("`%s` sends what the data source may lack", command)
	case !d.Mode.Adds() && !e.want.Mode.Adds() && d.Set == "" && d.Mode != config.PublishMode(tableau.Create):
		return fmt.Sprintf("`%s` sends it again, which does no harm; if you looked, and the rows are there, `%[1]s --applied` says so", command)
	}
	var ways []string
	if byID := d.Mode.Updates() && d.same(e.want); byID && e.why != nil {
		ways = append(ways, fmt.Sprintf("`%s` asks the server, which executes the same request once within a day", command))
	}
	if e.tried == nil {
		ways = append(ways, fmt.Sprintf("`%s --confirm download` downloads the data source and compares the rows", command))
	} else if hint := failure.Of(e.tried, failure.Publish).Hint; hint != "" {
		ways = append(ways, hint)
	}
	ways = append(ways,
		fmt.Sprintf("if you looked, and %s there: `%s --applied`", e.are(), command))
	switch {
	case d.Mode == config.PublishMode(tableau.Create) && d.Set == "" && !e.want.Mode.Adds():
		ways = append(ways, fmt.Sprintf("to replace what is there: `%s --mode overwrite`", command))
	case d.Set != "":
		if d.Mode == config.PublishMode(tableau.Create) {
			command += " --mode overwrite"
		}
		ways = append(ways, fmt.Sprintf("`%s --force` sends all extracts again, the first of which replaces what is there", command))
	case len(d.Steps) > 1:
		ways = append(ways, fmt.Sprintf("if they are not there, `%s --missing` sends just them", command))
		ways = append(ways, fmt.Sprintf("`%s --force` adds all rows, whatever is there", command))
	default:
		ways = append(ways, fmt.Sprintf("if the rows are not there, send them with `%s --force`", command))
	}
	return strings.Join(ways, "; ")
}

// are says what has to be looked for.
func (e *openError) are() string {
	if len(e.delivery.Steps) == 1 {
		return "the rows are"
	}
	return e.inDoubt() + " are"
}
