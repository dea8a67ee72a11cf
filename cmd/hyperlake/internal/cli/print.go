package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"hyperlake/internal/failure"
)

// say prints words for people, a line on stderr.
func (a *app) say(format string, args ...any) {
	switch {
	case a.flags.quiet:
	case a.flags.logFormat == formatJSON:
		a.log.Info(fmt.Sprintf(format, args...))
	default:
		_, _ = fmt.Fprintf(a.stderr, format+"\n", args...) // nobody is left to tell
	}
}

// printText prints a result for people on stdout.
func (a *app) printText(text string) error { return a.printAsIs(printable(text, layout)) }

// printAsIs prints a result that is a file's content on stdout.
func (a *app) printAsIs(text string) error {
	_, err := io.WriteString(a.stdout, text)
	return printFailure(err)
}

// printJSON prints a result for programs on stdout.
func (a *app) printJSON(result any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return printFailure(encoder.Encode(result))
}

func printFailure(err error) error {
	if err == nil {
		return nil
	}
	return failure.New(failure.Storage, "print the result: %w", err)
}
