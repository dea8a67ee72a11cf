package cli

import (
	"cmp"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines"
	"hyperlake/pipelines/report"
)

func (a *app) rejectsCommand() *cobra.Command {
	var options pipelines.RejectedOptions
	cmd := a.withConfig(&cobra.Command{
		Use:   "rejects CONFIG",
		Short: "Say which rows the last run rejected, by rule, and what their values look like",
		Long: `Say how many rows the last run rejected, by table and rule, with samples: where the row is, and the form of
the values that broke the rule. In a form digits are 9 and letters a or A, so that it tells no value.

Rows are read from the folder of rejects. A table without one has what the report of the last run counted. What
was ingested comes first, with the lines, pages or keys of the rows.`,
		Example: `  hyperlake rejects orders.yaml
  hyperlake rejects orders.yaml --samples 20 --values`,
		Args: exactly(1, "a configuration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if options.Samples < 0 {
				return failure.New(failure.Usage, "--samples must be a number of rows, not %d", options.Samples)
			}
			cfg, err := a.flags.load(args[0])
			if err != nil {
				return err
			}
			tables, err := pipelines.Rejected(cmd.Context(), cfg, options)
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.printJSON(tables)
			}
			return a.printPage(rejectsPage(a.resultPage(), tables))
		},
	})
	cmd.Flags().IntVar(&options.Samples, "samples", 3, "show at most this `number` of rows of each rule")
	cmd.Flags().BoolVar(&options.Values, "values", false, "show what was found in them; it may be personal data")
	return cmd
}

// sampleText says what is wrong with a row, or what it looks like.
func sampleText(sample report.Sample) string {
	switch {
	case sample.Form != "" && sample.Reason == "":
		return "like " + sample.Form
	case sample.Form != "" && sample.Place != "": // of what is ingested, reasons hold no value
		return sample.Reason + ", like " + sample.Form
	}
	return sample.Reason
}

// rejectsPage tells people of rejects.
func rejectsPage(p *page, tables []pipelines.RejectedTable) *page {
	for _, table := range tables {
		place := "only counted, by the last run"
		if table.Path != "" {
			place = "in " + visible(table.Path)
		}
		name := "ingest " + visible(table.Ingest)
		if table.Ingest == "" {
			name = sqlNameText(table.Schema, table.Name)
		}
		p.line("%s: %s, %s", name, words.Count(table.Rows, "reject"), place)
		for _, rule := range table.Rules {
			p.line("  %s: %s", visible(rule.Name), humanize.Comma(rule.Rows))
			for _, sample := range rule.Samples {
				place := cmp.Or(sample.Place, "row "+humanize.Comma(sample.Row))
				p.line("    %s, %s  %s", visible(sample.File), visible(place), visible(sampleText(sample)))
			}
		}
	}
	return p
}
