package cli

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"syscall"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/report"
)

// The exit codes. Their comments are those of docs/reference/exit-codes.md.
const (
	exitDone        = 0   // done
	exitFailed      = 1   // failed; of diff: what was compared differs
	exitUsage       = 2   // wrong usage or configuration: nothing was started
	exitData        = 3   // the data broke a rule, check or threshold: no extract was moved into place
	exitUnpublished = 4   // the extract is good, but publishing failed
	exitLocked      = 5   // another run has the lock of the output
	exitInterrupted = 130 // interrupted by SIGINT
	exitTerminated  = 143 // interrupted by SIGTERM
	exitHungUp      = 129 // interrupted by SIGHUP
	exitQuit        = 131 // interrupted by SIGQUIT
)

// ending is how a command ended, for all who learn of it: the last line on stderr, the exit code, and whom it is told to.
type ending struct {
	code   int
	failed *failure.Error // nil where all went well
	report *report.Report // nil of a command that did not come to have one, or has none
}

// endingOf is the end of a command with an error, or with none. Once it was interrupted, that is how it failed, whatever came of it.
func (a *app) endingOf(ctx context.Context, err error) ending {
	failed := failure.Of(causeOf(ctx, err), failure.Engine)
	return ending{a.exitCode(failed), failed, a.final.Load()}
}

// err is what failed, as an error.
func (e ending) err() error {
	if e.failed == nil {
		return nil
	}
	return e.failed
}

// exitCode is the one place that maps failures to exit codes.
func (a *app) exitCode(err *failure.Error) int {
	switch {
	case err == nil:
		return exitDone
	case err.Kind == failure.Interrupted:
		return interruptedBy(syscall.Signal(a.signal.Load()))
	case err.Kind == failure.Locked:
		return exitLocked
	case err.Early, err.Kind == failure.Usage, err.Kind == failure.Config:
		return exitUsage
	case err.Kind == failure.Data, err.Kind == failure.Check:
		return exitData
	case err.Kind == failure.Publish:
		return exitUnpublished
	default:
		return exitFailed
	}
}

func interruptedBy(sig syscall.Signal) int {
	switch sig {
	case syscall.SIGTERM:
		return exitTerminated
	case syscall.SIGHUP:
		return exitHungUp
	case syscall.SIGQUIT:
		return exitQuit
	}
	return exitInterrupted
}

// finish prints the last line on stderr, if there was a failure, and returns the exit code.
func (a *app) finish(end ending) int {
	failed := end.failed
	if failed == nil {
		return end.code
	}
	if a.flags.logFormat == formatJSON {
		fields := append(slices.Clip(a.identity), "kind", failed.Kind, "hint", failed.Hint, "exit_code", end.code)
		if len(failed.More) > 0 {
			fields = append(fields, "more", sentences(failed.More))
		}
		slog.New(newJSONHandler(a.stderr, slog.LevelError)).Error(failed.Message, fields...)
		return end.code
	}
	text := failed.Sentence()
	if n := len(failed.More); n > 0 {
		_, _ = fmt.Fprintln(a.stderr, strings.Join(sentences(failed.More), "\n"))
		text += fmt.Sprintf(" (and %s, above)", words.Count(int64(n), "more problem"))
	}
	_ = a.words.styled(a.colours.of(failedColours, "hyperlake: "), text) // nobody is left to tell
	return end.code
}

func sentences(failures []*failure.Error) []string {
	var texts []string
	for _, f := range failures {
		texts = append(texts, f.Sentence())
	}
	return texts
}
