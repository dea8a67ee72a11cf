package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/starter"
)

// initFlags are those of init.
type initFlags struct {
	output   string
	format   string
	postgres ingest.PostgresOptions
}

func (a *app) initCommand() *cobra.Command {
	flags := &initFlags{}
	cmd := &cobra.Command{
		Use:   "init [SOURCE]",
		Short: "Write a configuration to start from, for the files in SOURCE",
		Long: `Write a configuration to start from: for a Parquet file, a folder of Parquet files
(**/*.parquet below it) or a glob of them. It lists the columns with the types that they
get, the NULLs and the ranges that the footers tell of, columns that look unique, and rules
to choose from. Nothing but footers is read.

For text files (.csv, .tsv, .txt, .jsonl, .ndjson, also .gz and .zst) and workbooks (.xlsx), or a glob of
them, it has a section ingest, with the types that the values look like, the delimiter, and whether there is
a header. For a query of PostgreSQL, name the variable of the environment that holds the server's address.

The configuration is good as it is: run accepts it, and plan that of a lake. Without --output it goes to
stdout, and is meant for a file in the working folder. Its first line names hyperlake.schema.json
for editors; with --output, that file is written beside it, unless it is there.`,
		Example: `  hyperlake init lake/lineitem > lineitem.yaml
  hyperlake init 'gs://bucket/orders/**/*.parquet' --output orders.yaml
  hyperlake init 'drop/rates-*.csv.gz' --output rates.yaml
  hyperlake init --postgres-env PG_URL --query 'select * from orders' --output orders.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.init(cmd, flags, args) },
	}
	cmd.Flags().StringVarP(&flags.output, "output", "o", "", "write to this file, which must not exist")
	cmd.Flags().StringVar(&flags.postgres.URLEnv, "postgres-env", "",
		"`variable` of the environment that holds the address of a PostgreSQL server; else what libpq finds there")
	cmd.Flags().StringVar(&flags.postgres.Query, "query", "", "ingest the rows of this `query` of PostgreSQL, instead of a SOURCE")
	addFormatFlag(cmd, &flags.format)
	return cmd
}

// init writes the configuration.
func (a *app) init(cmd *cobra.Command, flags *initFlags, args []string) error {
	if err := flags.check(cmd, args); err != nil {
		return err
	}
	folder, err := filepath.Abs(filepath.Dir(flags.output))
	if err != nil {
		return failure.New(failure.Usage, "%w", err)
	}
	asked, err := sourceFormat(flags.format)
	if err != nil {
		return err
	}
	text, err := during(a, "look at the source", "", func() (string, error) {
		switch {
		case flags.postgres.Query != "":
			return starter.WritePostgres(cmd.Context(), flags.postgres, folder)
		case starter.IsIngested(args[0]) && asked == config.FormatAuto:
			return starter.WriteFiles(cmd.Context(), args[0], folder)
		}
		return starter.Write(cmd.Context(), args[0], folder, asked)
	})
	switch {
	case err != nil:
		return err
	case flags.output == "":
		return a.printAsIs(text)
	}
	if err := writeNew(flags.output, text); err != nil {
		return err
	}
	return a.writeSchema(filepath.Dir(flags.output))
}

// check refuses what does not name one source.
func (f *initFlags) check(cmd *cobra.Command, args []string) error {
	switch {
	case f.postgres.Query == "" && f.postgres.URLEnv != "":
		return failure.New(failure.Usage, "--postgres-env needs --query: the rows to ingest").
			WithHint("such as --query 'select * from orders'")
	case f.postgres.Query != "" && len(args) > 0:
		return failure.New(failure.Usage, "--query and SOURCE are two sources").WithHint("give one of them")
	case f.postgres.Query != "":
		return nil
	}
	if err := exactly(1, "a file, a folder or a glob")(cmd, args); err != nil {
		return err
	}
	if isPostgresAddress(args[0]) { // which is not repeated
		return failure.New(failure.Usage, "the address of a PostgreSQL server has no place on a command line, for it is or holds a secret").
			WithHint("put it into a variable of the environment: hyperlake init --postgres-env PG_URL --query 'select * from orders'")
	}
	return nil
}

// isPostgresAddress says whether a source is the address of a server.
func isPostgresAddress(source string) bool {
	return strings.HasPrefix(source, "postgres://") || strings.HasPrefix(source, "postgresql://")
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
