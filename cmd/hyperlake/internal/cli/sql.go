package cli

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
)

// fromStdin stands for a query that is read from stdin.
const fromStdin = "-"

func (a *app) sqlCommand() *cobra.Command {
	var csv, external bool
	cmd := &cobra.Command{
		Use:   "sql FILE.hyper QUERY",
		Short: "Run a query on a .hyper file, which it never changes",
		Long: `Run one query, in SQL, on a .hyper file. With - as QUERY, it is read from stdin.

The file is opened read-only: not a byte of it changes. Nor does a query write any other file,
and it reads none, unless --allow-external lets it, as in external('lake/a.parquet'): then it
may read whatever you can, on this machine and elsewhere. Others may read the file at the same
time; programs that write to it have to wait.

Tables need no more than their name; one that stands in several schemas is looked for in
"public" first, then in the order in which the schemas were made. Names that are not all
in lower case stand in double quotes. Timestamps with a time zone are shown in UTC. Relative
paths of other files start at the working folder.

The result is an aligned table, also when it is not for a terminal. On a terminal that is
too narrow for the table, each row is a list of its values, and long values go on below. NULL is shown as it is; a text
that could be mistaken for it, or that starts or ends with a blank, stands in quotes.

With --csv, NULL is an empty field and the empty text is "". With --json, the result is a
list of objects, one on each line; numbers have all their digits, NaN and the infinities
are text, and bytes are text such as \x00ff.`,
		Example: `  hyperlake sql out/tpch.hyper 'select count(*) from "Extract"."lineitem"'
  hyperlake sql out/tpch.hyper --csv - < query.sql > result.csv
  hyperlake sql out/tpch.hyper --allow-external "select count(*) from external('lake/orders/a.parquet')"`,
		Args: exactly(2, "a .hyper file and a query"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if csv && a.flags.json {
				return failure.New(failure.Usage, "--csv and --json exclude each other")
			}
			query, err := a.query(args[1], external)
			if err != nil {
				return err
			}
			return a.runSQL(cmd.Context(), args[0], query, csv, external)
		},
	}
	cmd.Flags().BoolVar(&csv, "csv", false, "print the result as CSV")
	cmd.Flags().BoolVar(&external, "allow-external", false, "let the query read other files")
	return cmd
}

// query is the statement that an argument stands for, which may read other files or not.
func (a *app) query(argument string, external bool) (string, error) {
	query := argument
	if argument == fromStdin {
		read, err := io.ReadAll(a.stdin)
		if err != nil {
			return "", failure.New(failure.Storage, "read the query from stdin: %w", err)
		}
		query = string(read)
	}
	if strings.TrimSpace(query) == "" {
		return "", failure.New(failure.Usage, "the query is empty")
	}
	if err := hyperd.CheckQuery(query, external); err != nil {
		hint := "`hyperlake sql` runs one query, which changes nothing"
		if !external && hyperd.CheckQuery(query, true) == nil {
			hint = "add --allow-external, if the query may read other files"
		}
		return "", failure.New(failure.Usage, "%w", err).WithHint("%s", hint)
	}
	return query, nil
}

// runSQL runs a query and prints its result.
func (a *app) runSQL(ctx context.Context, path, query string, csv, external bool) error {
	cfg := hyperd.Config{Reading: hyperd.OnlyAttached}
	if external {
		folder, err := os.Getwd()
		if err != nil {
			return failure.New(failure.Storage, "find the working folder: %w", err)
		}
		cfg.Reading = hyperd.OnlyReading
		cfg.Settings = map[string]string{"external_file_root": folder, "restrict_external_file_root": "false"}
	}
	file, err := openHyperFile(ctx, path, cfg)
	if err != nil {
		return err
	}
	defer file.close()
	if err := file.prepare(ctx); err != nil {
		return err
	}
	out := a.newResult(csv)
	waiting := func() {}
	if a.results != nil { // else a pager may have the terminal
		meter := a.newMeter()
		meter.show(report.Progress{Stage: "query", Uncounted: true})
		waiting = meter.close
	}
	begin := func(fields []hyperd.Field) error {
		waiting()
		return out.begin(fields)
	}
	defer waiting()
	if err := file.conn.QueryResults(ctx, query, begin, out.row); err != nil {
		return explainHyperd(err, path)
	}
	return out.end()
}

// prepare sets the session up so that names need no schema and values are exact and the
// same on every machine.
func (f *hyperFile) prepare(ctx context.Context) error {
	schemas, err := hyper.ReadSchemas(ctx, f.conn, f.alias)
	if err != nil {
		return err
	}
	for i, schema := range schemas {
		schemas[i] = hyperd.QuoteName(schema)
	}
	for _, statement := range []string{
		"SET search_path = " + strings.Join(schemas, ", "),
		"SET timezone = 'UTC'",
		"SET extra_float_digits = 3", // the shortest text that reads back as the same number
	} {
		if _, err := f.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
