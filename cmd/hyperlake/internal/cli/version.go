package cli

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"hyperlake/internal/hyperd"
	"hyperlake/pipelines"
)

// versions is what `hyperlake version` prints.
type versions struct {
	Hyperlake string `json:"hyperlake"`
	Hyperd    string `json:"hyperd"` // empty when there is none
	Beam      string `json:"beam"`
	Arrow     string `json:"arrow"`
	Go        string `json:"go"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of hyperlake, hyperd, Beam and Arrow",
		Args:  exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := buildVersions()
			hyperdText := "not found (run `hyperlake hyperd install`)"
			if path, err := hyperd.Find(""); err == nil {
				if v.Hyperd, err = hyperd.Version(cmd.Context(), path); err != nil {
					return err
				}
				hyperdText = v.Hyperd + " (" + path + ")"
			}
			if a.flags.json {
				return json.NewEncoder(a.stdout).Encode(v)
			}
			_, err := fmt.Fprintf(a.stdout, "hyperlake %s\nhyperd    %s\nbeam      %s\narrow     %s\ngo        %s\n",
				v.Hyperlake, hyperdText, v.Beam, v.Arrow, v.Go)
			return err
		},
	}
}

// buildVersions reads what the Go linker recorded.
func buildVersions() versions {
	v := versions{Hyperlake: pipelines.Version(), Beam: "unknown", Arrow: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Go = info.GoVersion
	for _, module := range info.Deps {
		switch module.Path {
		case "github.com/apache/beam/sdks/v2":
			v.Beam = module.Version
		case "github.com/apache/arrow/go/v17":
			v.Arrow = module.Version
		}
	}
	return v
}
