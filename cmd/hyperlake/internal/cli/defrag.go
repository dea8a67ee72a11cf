package cli

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/words"
	"hyperlake/sinks/hyper"
)

func (a *app) defragCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "defrag [-o OUT.hyper] IN.hyper",
		Short: "Rewrite a .hyper file without fragmentation",
		Long: `Write all that a .hyper file holds to a new one, without what was deleted and without the gaps
that many small writes leave. The old file is opened read-only: not a byte of it changes.

Schemas, columns with nullability, collations, defaults and comments, assumed keys and the
format version stay as they are. Every table is compared with the old one, by its number of
rows and a checksum over all values, before the new file appears.

Without --output, the new file is NAME.new.hyper beside NAME.hyper. It replaces what stood
there; on any failure that stays. Free disk space is checked first.`,
		Example: `  hyperlake defrag sales.hyper
  hyperlake defrag -o compact/sales.hyper sales.hyper --json`,
		Args: exactly(1, "a .hyper file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			input := args[0]
			return a.defrag(cmd.Context(), input, cmp.Or(output, strings.TrimSuffix(input, hyperExtension)+".new"+hyperExtension))
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this `file`; NAME.new.hyper if it is not given")
	return cmd
}

// defragListing is what defrag prints with --json.
type defragListing struct {
	Input  newFile `json:"input"`
	Output newFile `json:"output"`
	hyper.DefragmentedFile
}

func (a *app) defrag(ctx context.Context, input, output string) error {
	listing := defragListing{Input: newFile{Path: input}}
	options := hyper.FileOptions{TableDone: func(table hyper.TableResult) {
		a.say("converted %s: %s, %s, verified", sqlNameText(table.Schema, table.Name),
			words.Count(int64(table.Columns), "column"), words.Count(table.Rows, "row"))
	}}
	var err error
	listing.Output, err = a.rewriteHyper(ctx, "defrag", []string{input}, output, func(lease *hyperd.Lease, path string) (err error) {
		stat, err := os.Stat(input)
		if err != nil {
			return failure.New(failure.Storage, "%w", err)
		}
		listing.Input.Bytes = stat.Size()
		listing.DefragmentedFile, err = hyper.Defragment(ctx, lease, input, path, options)
		return err
	})
	if err != nil {
		return err
	}
	a.say("converted %s into %s: %s, was %s", visible(input), visible(output),
		humanize.Bytes(uint64(listing.Output.Bytes)), humanize.Bytes(uint64(listing.Input.Bytes)))
	if a.flags.json {
		return a.printJSON(listing)
	}
	return nil
}
