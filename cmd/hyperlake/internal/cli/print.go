package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/text"

	"hyperlake/internal/failure"
)

// say prints words for people, a line on stderr.
func (a *app) say(format string, args ...any) {
	switch {
	case a.flags.quiet:
	case a.flags.logFormat == formatJSON:
		a.log.Info(fmt.Sprintf(format, args...))
	default:
		_ = a.words.lines(printable(fmt.Sprintf(format, args...), layout)) // nobody is left to tell
	}
}

// sayStatus is say with a status word in front, which is coloured where that is wanted.
func (a *app) sayStatus(colours text.Colors, status, format string, args ...any) {
	if a.flags.quiet || a.flags.logFormat == formatJSON {
		a.say("%s", status+fmt.Sprintf(format, args...))
		return
	}
	_ = a.words.styled(a.colours.of(colours, printable(status, "")), fmt.Sprintf(format, args...)) // nobody is left to tell
}

// printText prints a result for people on stdout.
func (a *app) printText(text string) error { return a.printAsIs(printable(text, layout)) }

// printSafe prints a result that is safe for a terminal already, with its colours, on stdout.
func (a *app) printSafe(text string) error {
	if terminal, ok := a.stdout.(*screen); ok {
		return printFailure(terminal.safe(text))
	}
	return a.printAsIs(text)
}

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
