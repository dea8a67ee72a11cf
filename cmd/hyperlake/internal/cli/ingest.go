package cli

import (
	"context"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/words"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
)

// commandIngest is the command that fills the lake alone.
const commandIngest = "ingest"

func (a *app) ingestCommand() *cobra.Command {
	only := ""
	cmd := &cobra.Command{
		Use:   "ingest CONFIG",
		Short: "Bring what the configuration says into the lake, and build nothing",
		Long: `Bring into the lake what the section ingest of the configuration names: each entry replaces its
folder by Parquet files of all rows of its source, as a whole, or leaves it as it was. "hyperlake
run" and "hyperlake generate" do so first.

Types are taken from the source at first, and pinned in _schema.json. Rows that do not fit later
are rejects; a column that is new, gone or of another type is refused, unless on_drift: union
accepts it. Entries are done in order: the first that fails ends the command, those before stay.

A configuration without tables only ingests, by "hyperlake run", too.`,
		Example: "  hyperlake ingest orders.yaml --only rates",
		Args:    exactly(1, "a configuration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.ingest(cmd.Context(), args[0], only)
		},
	}
	cmd.Flags().StringVar(&only, "only", "", "bring in only the entry of this `name`")
	cmd.Flags().IntVar(&a.flags.keepRuns, "keep-runs", refresh.DefaultKeep, "keep the reports of this `number` of ingests in the state")
	cmd.Flags().StringVar(&a.flags.lockWait, "lock-wait", "0s", "wait this `time`, such as 30m, for another run to the same folder")
	_ = cmd.RegisterFlagCompletionFunc("only", a.completeOnly) // it is there, and has none yet
	return a.withReport(a.withConfig(cmd))
}

// completeOnly completes the value of --only: the names of the entries of the configuration that the command line names, with their
// folders. One that cannot be read has none.
func (a *app) completeOnly(_ *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	if len(args) == 1 {
		if cfg, err := a.flags.load(args[0]); err == nil {
			for _, entry := range cfg.Ingest {
				names = append(names, cobra.CompletionWithDesc(visible(entry.Name), visible(entry.To)))
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// ingest brings entries into the lake, and reports.
func (a *app) ingest(ctx context.Context, path, only string) error {
	cfg, err := a.loadAnnounced(ctx, commandIngest, path)
	if err != nil {
		return err
	}
	id, err := a.identify(cfg.Name)
	if err != nil {
		return err
	}
	lockWait, err := flagSpan("--lock-wait", a.flags.lockWait)
	if err != nil {
		return err
	}
	entries := slices.DeleteFunc(slices.Clone(cfg.Ingest), func(entry config.IngestConfig) bool { return only != "" && entry.Name != only })
	ctx, watched := a.watch(ctx, commandIngest, id, cfg, entries)
	if err = a.checkReportPlace(ctx); err == nil {
		err = a.ingestLoaded(ctx, cfg, id, only, lockWait)
	}
	a.endWatch(ctx, watched, a.endingOf(ctx, err))
	return err
}

// runIngest is a run of a configuration that makes no extract.
func (a *app) runIngest(ctx context.Context, cfg *config.Config, id string, lockWait time.Duration) error {
	for flag, isGiven := range map[string]bool{"--resume": a.flags.resume != "", "--dry-run": a.flags.dryRun} {
		if isGiven {
			return failure.New(failure.Usage, "%s is about the extract, and %s has no tables to make one of", flag, cfg.File).
				WithHint("leave it out")
		}
	}
	err := a.ingestLoaded(ctx, cfg, id, "", lockWait)
	if err == nil {
		a.say("%s", noExtract)
	}
	return err
}

// ingestLoaded brings entries of a configuration into the lake, or the one of a name.
func (a *app) ingestLoaded(ctx context.Context, cfg *config.Config, id, only string, lockWait time.Duration) error {
	meter := a.newMeter()
	record, err := pipelines.Ingest(ctx, cfg, pipelines.IngestOptions{
		ID: id, Only: only, Log: a.log, Progress: meter.show, Lock: refresh.LockOptions{Wait: lockWait}, KeepRuns: a.flags.keepRuns,
	})
	meter.close()
	if !a.logsFields() {
		a.sayIngested(record)
	}
	return a.endWithReport(ctx, record, err)
}

// sayIngested tells people what was brought into the lake, or rejected so that it was not.
func (a *app) sayIngested(record *report.Report) {
	for _, entry := range record.Ingest {
		if entry.Failed {
			a.say("not ingested: %s (%s, %s rejected)", visible(entry.Name), words.Count(entry.Rows, "row"), humanize.Comma(entry.Rejected))
		} else {
			a.sayStatus(goodColours, "ingested", ": %s (%s, %s rejected, %s, %.1f s)", visible(entry.To), words.Count(entry.Rows, "row"),
				humanize.Comma(entry.Rejected), humanize.Bytes(uint64(entry.Bytes)), entry.Seconds)
		}
		for _, rule := range entry.Rules {
			column := ""
			if rule.Column != "" {
				column = visible(rule.Column) + ": "
			}
			a.say("  %s broke %s%s", words.Count(rule.Rows, "row"), column, visible(rule.Rule))
		}
		if entry.RejectsPath != "" && entry.Rejected > 0 {
			a.say("  rejects are in %s", visible(entry.RejectsPath))
		}
	}
}

// writeIngestPlan says what would be brought into the lake first.
func writeIngestPlan(p *page, entries []pipelines.IngestPlan) {
	for _, entry := range entries {
		how := "types are inferred, and pinned by the first run"
		if entry.Pinned {
			how = "types are pinned in " + ingest.SchemaFile
		}
		if len(entry.Columns) == 0 {
			how = "its columns are known once it has run"
		}
		p.line("ingest %s: %s into %s; %s", visible(entry.Name), visible(entry.Source), visible(entry.To), how)
		var rows [][]string
		for _, c := range entry.Columns {
			rows = append(rows, []string{visible(c.Name), c.Type})
		}
		if len(rows) > 0 {
			p.table([]column{{name: "column"}, {name: "type"}}, rows)
		}
		for _, change := range entry.Drift {
			p.line("drift: %s", visible(change))
		}
		p.line("")
	}
}
