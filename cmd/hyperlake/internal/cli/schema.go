package cli

import (
	"github.com/spf13/cobra"

	"hyperlake/pipelines/config"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of configurations, for editors",
		Long: `Print the JSON Schema (draft-07) of configurations. Editors that speak to yaml-language-server
complete keys and words by it, and say what is wrong while it is written; what they cannot see,
validate says.

A configuration names it in its first line, as those of init do:

  # yaml-language-server: $schema=hyperlake.schema.json`,
		Example: "  hyperlake schema > hyperlake.schema.json",
		Args:    exactly(0, "no arguments"),
		RunE:    func(*cobra.Command, []string) error { return a.printAsIs(config.Schema) },
	}
}
