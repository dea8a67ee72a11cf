package cli

import (
	"context"
	"errors"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/words"
	"hyperlake/sinks/hyper"
)

func (a *app) mergeCommand() *cobra.Command {
	var output string
	var options hyper.FileOptions
	cmd := &cobra.Command{
		Use:   "merge -o OUT.hyper IN.hyper…",
		Short: "Merge .hyper files, table by table",
		Long: `Merge .hyper files with equal schemas, table by table, into OUT.hyper. The inputs are opened
read-only: not a byte of them changes.

Columns match by name; their types, nullability and collation must be equal in all files that
have the table. What differs is listed, with the files. With --widen, differing integers,
floats and decimals become a type that holds all their values exactly, and a column that may
be NULL in one file may be NULL. Tables, schemas and assumed keys that only some files have
are kept; rows that repeat an assumed key of others are kept, too, with a warning. Order of
columns, defaults and comments are those of the file with the most rows. The format version
is the highest of all files, or a higher one if a widened column needs it.

OUT.hyper appears when it is finished and its counts are verified, and replaces what stood
there; on any failure that stays. Free disk space is checked first.`,
		Example: `  hyperlake merge -o 2026.hyper 2026-*.hyper
  hyperlake merge -o all.hyper --widen old.hyper new.hyper --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return failure.New(failure.Usage, "%s takes one or more .hyper files, but none was given", cmd.CommandPath()).
					WithHint("usage: %s", cmd.UseLine())
			case output == "":
				return failure.New(failure.Usage, "%s needs an output", cmd.CommandPath()).WithHint("name it with -o OUT.hyper")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.merge(cmd.Context(), args, output, options) },
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this `file`")
	cmd.Flags().BoolVar(&options.Widen, "widen", false, "widen numbers and nullability where files differ")
	return cmd
}

// mergeListing is what merge prints with --json.
type mergeListing struct {
	Output *newFile `json:"output,omitempty"` // if it was made
	*hyper.MergedFile
	Differences []hyper.Difference `json:"differences,omitempty"` // why the files cannot be merged
}

func (a *app) merge(ctx context.Context, inputs []string, output string, options hyper.FileOptions) error {
	var listing mergeListing
	options.TableDone = func(table hyper.TableResult) {
		a.say("merged %s: %s from %s", sqlNameText(table.Schema, table.Name), words.Count(table.Rows, "row"),
			words.Count(int64(table.Files), "file"))
	}
	made, err := a.rewriteHyper(ctx, "merge", inputs, output, func(lease *hyperd.Lease, path string) error {
		merged, err := hyper.MergeFiles(ctx, lease, inputs, path, options)
		listing.MergedFile = &merged
		return err
	})
	if err != nil {
		return a.mergeFailed(err)
	}
	listing.Output = &made
	for _, warning := range listing.Warnings {
		a.log.Warn(warning)
	}
	a.say("merged %s into %s (%s, %s)", words.Count(int64(len(inputs)), "file"), visible(output),
		words.Count(int64(len(listing.Tables)), "table"), humanize.Bytes(uint64(made.Bytes)))
	if a.flags.json {
		return a.printJSON(listing)
	}
	return nil
}

// mergeFailed lists what differs between files that cannot be merged.
func (a *app) mergeFailed(failed error) error {
	var schema *hyper.SchemaError
	if !errors.As(failed, &schema) {
		return failed
	}
	for _, difference := range schema.Differences {
		text := visible(difference.String())
		if difference.Wider != "" {
			text += "; --widen makes it " + difference.Wider
		}
		a.say("%s", text)
	}
	if a.flags.json {
		if err := a.printJSON(mergeListing{Differences: schema.Differences}); err != nil {
			return err
		}
	}
	return failed
}
