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
	Commit    string `json:"commit,omitempty"` // of git; empty where nothing recorded it
	Hyperd    string `json:"hyperd"`           // empty when there is none
	Beam      string `json:"beam"`
	Arrow     string `json:"arrow"`
	Go        string `json:"go"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of hyperlake, with its commit, hyperd, Beam and Arrow",
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
				releaseText(), hyperdText, v.Beam, v.Arrow, v.Go)
			return err
		},
	}
}

// releaseText is the version of hyperlake for people, with the commit where it is known.
func releaseText() string {
	if commit := pipelines.Commit(); commit != "" {
		return pipelines.Version() + " (commit " + commit + ")"
	}
	return pipelines.Version()
}

// buildVersions reads what the Go linker recorded.
func buildVersions() versions {
	v := versions{Hyperlake: pipelines.Version(), Commit: pipelines.Commit(), Beam: "unknown", Arrow: "unknown"}
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
