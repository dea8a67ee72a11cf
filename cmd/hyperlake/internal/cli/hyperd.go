package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"hyperlake/internal/hyperd"
)

// hyperdListing is what `hyperlake hyperd install` prints.
type hyperdListing struct {
	Path             string `json:"path"`
	Version          string `json:"version"`
	From             string `json:"from"` // the package that it came in
	AlreadyInstalled bool   `json:"already_installed"`
}

func (a *app) hyperdCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hyperd",
		Short: "Manage hyperd, Tableau's database server, which writes and reads .hyper files",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.hyperdInstallCommand())
	return cmd
}

func (a *app) hyperdInstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install",
		Short: "Fetch the pinned hyperd into the user's cache, unless it is there",
		Long: `Fetch the pinned hyperd with pip, or else with npm, verify its checksum and unpack it into
the user's cache, where all commands find it, with what the package says of its licence beside it.
Where they are there already, nothing is fetched.

It may run several times at once: one installs, the others wait.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			installed, err := during(a, "install hyperd", "", func() (hyperd.Installed, error) {
				return hyperd.Install(cmd.Context(), func(what string) { a.say("%s", what) })
			})
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.printJSON(hyperdListing{installed.Path, installed.Version, installed.From, installed.AlreadyThere})
			}
			if installed.AlreadyThere {
				a.say("already installed")
			}
			return a.printText(fmt.Sprintf("hyperd %s %s\n", installed.Version, installed.Path))
		},
	}
}
