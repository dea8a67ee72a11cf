package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/referencetest"
)

// TestReferenceOfCommands holds docs/reference/commands.md against the commands and their flags.
func TestReferenceOfCommands(t *testing.T) {
	t.Parallel()
	root := (&app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}).rootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var page strings.Builder
	page.WriteString("# Commands\n\nWhat `hyperlake COMMAND --help` says of each. " +
		"[Exit codes](exit-codes.md) and the [report](report.md) have pages of their own.\n\nFlags of every command:\n\n")
	writeBlock(&page, root.PersistentFlags().FlagUsages())
	writeCommands(&page, root)
	referencetest.Page(t, "commands", page.String())
}

// writeCommands writes the commands below one, each followed by those below it.
func writeCommands(page *strings.Builder, above *cobra.Command) {
	for _, cmd := range above.Commands() {
		if !cmd.IsAvailableCommand() {
			continue
		}
		if cmd.Runnable() && !cmd.HasSubCommands() {
			fmt.Fprintf(page, "## %s\n\n%s.\n\n", cmd.CommandPath(), strings.TrimSuffix(cmd.Short, "."))
			writeBlock(page, cmd.UseLine())
			if cmd.Long != "" {
				writeBlock(page, cmd.Long)
			}
			if cmd.Example != "" {
				page.WriteString("Examples:\n\n")
				writeBlock(page, cmd.Example)
			}
			if flags := cmd.LocalNonPersistentFlags().FlagUsages(); flags != "" {
				page.WriteString("Flags:\n\n")
				writeBlock(page, flags)
			}
		}
		writeCommands(page, cmd)
	}
}

// writeBlock writes lines that stay as they are.
func writeBlock(page *strings.Builder, text string) {
	fmt.Fprintf(page, "```\n%s\n```\n\n", strings.Trim(text, "\n"))
}

// TestReferenceOfExitCodes holds docs/reference/exit-codes.md against the codes, and against what each kind of failure ends with.
func TestReferenceOfExitCodes(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString("# Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, exit := range referencetest.Comments(t, "cmd/hyperlake/internal/cli") {
		if code, ok := exitCodes[exit.Name]; ok {
			require.NotEmpty(t, exit.Text, exit.Name)
			fmt.Fprintf(&page, "| %d | %s |\n", code, exit.Text)
		} else {
			require.NotRegexp(t, "^exit[A-Z][a-z]+$", exit.Name, "a code that the page does not list")
		}
	}
	page.WriteString("\nThe kind of a failure is `error.kind` in the [report](report.md), and `kind` of the last line with `--log-format json`. " +
		"What was known before any data was read ends with 2, whatever its kind.\n\n| kind | what failed | code |\n|---|---|---|\n")
	for _, kind := range referencetest.Comments(t, "internal/failure") {
		if kind.Type == "Kind" {
			require.NotEmpty(t, kind.Text, kind.Name)
			name := failure.Kind(strings.ToLower(kind.Name))
			fmt.Fprintf(&page, "| `%s` | %s | %d |\n", name, kind.Text, (&app{}).exitCode(failure.New(name, "")))
		}
	}
	referencetest.Page(t, "exit-codes", page.String())
}

// exitCodes are all, by their names in the source.
var exitCodes = map[string]int{
	"exitDone": exitDone, "exitFailed": exitFailed, "exitUsage": exitUsage, "exitData": exitData, "exitUnpublished": exitUnpublished,
	"exitLocked": exitLocked, "exitInterrupted": exitInterrupted, "exitTerminated": exitTerminated, "exitHungUp": exitHungUp, "exitQuit": exitQuit,
}
