package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/starter"
)

func (a *app) initCommand() *cobra.Command {
	var output, format string
	cmd := &cobra.Command{
		Use:   "init SOURCE",
		Short: "Write a configuration to start from, for the Parquet files in SOURCE",
		Long: `Write a configuration to start from: for a Parquet file, a folder of Parquet files
(**/*.parquet below it) or a glob of them. It lists the columns with the types that they
get, the NULLs and the ranges that the footers tell of, columns that look unique, and rules
to choose from. Nothing but footers is read.

The configuration is good as it is: plan and run accept it. Without --output it goes to
stdout, and is meant for a file in the working folder. Its first line names hyperlake.schema.json
for editors; with --output, that file is written beside it, unless it is there.`,
		Example: `  hyperlake init lake/lineitem > lineitem.yaml
  hyperlake init 'gs://bucket/orders/**/*.parquet' --output orders.yaml`,
		Args: exactly(1, "a file, a folder or a glob"),
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, err := filepath.Abs(filepath.Dir(output))
			if err != nil {
				return failure.New(failure.Usage, "%w", err)
			}
			asked, err := sourceFormat(format)
			if err != nil {
				return err
			}
			text, err := during(a, "look at the files", "", func() (string, error) {
				return starter.Write(cmd.Context(), args[0], folder, asked)
			})
			switch {
			case err != nil:
				return err
			case output == "":
				return a.printAsIs(text)
			}
			if err := writeNew(output, text); err != nil {
				return err
			}
			return a.writeSchema(filepath.Dir(output))
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this file, which must not exist")
	addFormatFlag(cmd, &format)
	return cmd
}

// addFormatFlag adds the flag of commands that are given a lake without a configuration.
func addFormatFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVar(format, "format", string(config.FormatAuto),
		"auto reads a Delta Lake or Iceberg table as such; parquet reads the files of any table as loose ones")
}

// sourceFormat reads the value of the flag.
func sourceFormat(text string) (config.SourceFormat, error) {
	var format config.SourceFormat
	if err := format.UnmarshalText([]byte(text)); err != nil {
		return "", failure.New(failure.Usage, "--format %w", err)
	}
	return format, nil
}

// writeSchema writes what editors know configurations by, unless it is there.
func (a *app) writeSchema(folder string) error {
	path := filepath.Join(folder, config.SchemaFile)
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	if err := writeNew(path, config.Schema); err != nil {
		return err
	}
	a.say("%s is for editors", path)
	return nil
}

// writeNew writes a file that must not exist.
func writeNew(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return failure.New(failure.Usage, "%s exists already", path).WithHint("name another file, or remove it first")
	}
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return failure.New(failure.Storage, "write %s: %w", path, err).WithHint("%s", storage.Hint(err))
	}
	return nil
}
