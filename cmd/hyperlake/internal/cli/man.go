package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write manual pages, one for each command",
		Long: `Write manual pages (man1) into FOLDER, which is made if it is missing: hyperlake.1, and one for
each command, such as hyperlake-run.1. Their date is today's, or that of SOURCE_DATE_EPOCH.`,
		Example: "  hyperlake dev man ~/.local/share/man/man1 && man hyperlake-run",
		Args:    exactly(1, "a folder"),
		RunE:    func(cmd *cobra.Command, args []string) error { return writeManual(cmd.Root(), args[0]) },
	}
}

// writeManual writes the pages of a command and of those below it.
func writeManual(root *cobra.Command, folder string) error {
	keepLayout(root)
	header := &doc.GenManHeader{Title: "HYPERLAKE", Section: "1", Source: "hyperlake " + root.Version, Manual: "hyperlake"}
	err := os.MkdirAll(folder, 0o777)
	if err == nil {
		err = doc.GenManTree(root, header, folder)
	}
	if err != nil {
		return failure.New(failure.Storage, "write manual pages: %w", err).WithHint("%s", storage.Hint(err))
	}
	return nil
}

// keepLayout writes indented lines of long texts as Markdown, of which pages are made, has lines that stay as they are.
func keepLayout(cmd *cobra.Command) {
	var lines []string
	for _, line := range strings.Split(cmd.Long, "\n") {
		if strings.HasPrefix(line, "  ") {
			if last := len(lines) - 1; last >= 0 && lines[last] != "" && !strings.HasPrefix(lines[last], "  ") {
				lines = append(lines, "")
			}
			line = "    " + line
		}
		lines = append(lines, line)
	}
	cmd.Long = strings.Join(lines, "\n")
	for _, sub := range cmd.Commands() {
		keepLayout(sub)
	}
}
