package cli

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/pipelines"
	"hyperlake/pipelines/report"
)

func (a *app) historyCommand() *cobra.Command {
	return a.withConfig(&cobra.Command{
		Use:   "history CONFIG",
		Short: "List the runs of a configuration: when, how they ended, rows, what changed",
		Long: `List the runs of a configuration, the latest last: when they began, how they ended, how many rows
the extract had then, and what changed since the run before. A run that was killed is lost. Ingests are
listed with the rows that they brought into the lake.

The reports of runs are kept in the state of the configuration; --json prints them.`,
		Example: "  hyperlake history lineitem.yaml",
		Args:    exactly(1, "a configuration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.flags.load(args[0])
			if err != nil {
				return err
			}
			runs, err := pipelines.History(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.printJSON(runs)
			}
			if len(runs) == 0 {
				a.say("no run of this configuration is remembered in %s", visible(cfg.StateFolder()))
				return nil
			}
			return a.printPage(historyPage(a.resultPage(), runs))
		},
	})
}

// historyPage lists runs for people. The id of a run begins with when that was.
func historyPage(p *page, runs []report.Report) *page {
	columns := []column{
		{name: "began (UTC)", minor: 3}, {name: "ended as", colours: statusColours}, {name: "took", number: true, minor: 4},
		{name: "rows", number: true}, {name: "change", number: true, optional: true}, {name: "rejects", number: true, optional: true},
		{name: "units", optional: true, minor: 5}, {name: "size", number: true, optional: true, minor: 6},
		{name: "ingested", number: true, optional: true, minor: 2}, {name: "run", fit: whole},
	}
	var rows [][]string
	var before *report.Report // that made or found an extract
	for i := range runs {
		r := &runs[i]
		row := []string{r.Started.UTC().Format(time.DateTime), visible(string(r.Status)), "", "", "", "", "", "", "", visible(r.RunID)}
		if !r.Finished.IsZero() {
			row[2] = fmt.Sprintf("%.1f s", r.Finished.Sub(r.Started).Seconds())
		}
		if r.Complete {
			row[3] = humanize.Comma(r.RowsLoaded())
			if before != nil {
				row[4] = changeText(r.RowsLoaded() - before.RowsLoaded())
			}
			if rejected := r.RowsRejected(); rejected > 0 {
				row[5] = humanize.Comma(rejected)
			}
			if r.Output.Bytes > 0 {
				before = r
			}
		}
		if r.Refresh != nil {
			row[6] = fmt.Sprintf("%s of %s", humanize.Comma(int64(r.Refresh.UnitsChanged)), humanize.Comma(int64(r.Refresh.Units)))
		}
		if r.Output.Bytes > 0 {
			row[7] = humanize.Bytes(uint64(r.Output.Bytes))
		}
		if len(r.Ingest) > 0 {
			ingested, rejected := r.Ingested()
			row[8] = humanize.Comma(ingested)
			if r.IngestOnly && rejected > 0 {
				row[5] = humanize.Comma(rejected)
			}
		}
		rows = append(rows, row)
	}
	p.table(columns, rows)
	return p
}

// changeText is a difference with its sign; empty for none.
func changeText(difference int64) string {
	switch {
	case difference > 0:
		return "+" + humanize.Comma(difference)
	case difference < 0:
		return humanize.Comma(difference)
	}
	return ""
}
