package cli

import (
	"context"
	"errors"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/report"
)

// isInterrupted says whether an error is that somebody interrupted the command.
func isInterrupted(err error) bool {
	var failed *failure.Error
	return errors.As(err, &failed) && failed.Kind == failure.Interrupted
}

// causeOf is the error that a command ends with: once it was interrupted, that, and not what came of it.
func causeOf(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || isInterrupted(err) {
		return err
	}
	return context.Cause(ctx)
}

// afterInterrupt adds to the failure of an interrupted run what stays, and how to go on. Any other error stays as it is.
// publishAgain is the command line that publishes the extract.
func afterInterrupt(err error, record *report.Report, publishAgain string) error {
	if !isInterrupted(err) || record == nil {
		return err
	}
	said := *failure.Of(err, failure.Interrupted) // others may have it, too
	return said.WithHint("%s", stays(record, publishAgain))
}

// stays says what an interrupted run has left as it was, and what goes on with it.
func stays(record *report.Report, publishAgain string) string {
	switch {
	case isPlaced(record) && record.Publish == nil:
		return "the extract is in place, and nothing was published; publish it with `" + publishAgain + "`"
	case isPlaced(record):
		return publishStays(record) + "`" + publishAgain + "`"
	case record.Resumable != nil:
		return "the output is as it was before, and what is finished stays on staging"
	}
	return "the output is as it was before, and nothing else stays; run it again"
}

// isPlaced says whether the extract of a run stands at its output.
func isPlaced(record *report.Report) bool {
	return record.Output.SHA256 != "" || len(record.Outputs) > 0
}

// publishStays says how far publishing came, up to the command that repeats it.
func publishStays(record *report.Report) string {
	begun, done, job := false, true, ""
	for _, source := range append([]*report.Publishing{record.Publish}, record.Publish.Others...) {
		switch source.Outcome {
		case "unknown":
			begun, done, job = true, false, source.JobID
		case "failed", "untried":
			done = false
		}
	}
	switch {
	case begun && job != "":
		return "job " + job + " of the server goes on with what was sent; it is safe to repeat, no row is added twice: "
	case begun:
		return "an upload was handed over, and nobody knows yet what the server made of it; it is safe to repeat, no row is added twice: "
	case !done:
		return "the upload was not handed over, and the data source is as it was before; it is safe to repeat: "
	}
	return "the rows are published, and what was to follow may be missing; it is safe to repeat: "
}
