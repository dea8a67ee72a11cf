package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
)

func (a *app) runCommand() *cobra.Command {
	return a.withRunFlags(&cobra.Command{
		Use:     "run CONFIG… [-- BEAM_FLAG…]",
		Short:   "Build the extract, then publish it if the configuration says so",
		Long:    severalLong,
		Example: "  hyperlake run lineitem.yaml --set output.path=/data/lineitem.hyper",
		Args:    configsAndBeamFlags,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.buildAll(cmd, args, true)
		},
	})
}

func (a *app) generateCommand() *cobra.Command {
	return a.withRunFlags(&cobra.Command{
		Use:     "generate CONFIG… [-- BEAM_FLAG…]",
		Short:   "Build the extract, never publish it",
		Long:    severalLong,
		Example: "  hyperlake generate lineitem.yaml --json",
		Args:    configsAndBeamFlags,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.buildAll(cmd, args, false)
		},
	})
}

func (a *app) withRunFlags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&a.flags.resume, "resume", "", "go on with a run that failed: last, or its id; needs staging in the configuration")
	cmd.Flags().BoolVar(&a.flags.dryRun, "dry-run", false, "print the job that would be sent to Dataflow, and send nothing")
	return a.withSample(a.withNightFlags(cmd))
}

// withNightFlags gives a command the flags of runs that nobody attends, too.
func (a *app) withNightFlags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&a.flags.logValues, "log-values", false, "let values of rejected rows into the report; they may be personal data")
	cmd.Flags().IntVar(&a.flags.keepRuns, "keep-runs", refresh.DefaultKeep, "keep the reports of this `number` of runs in the state")
	cmd.Flags().StringVar(&a.flags.lockWait, "lock-wait", "0s", "wait this `time`, such as 30m, for another run to the same output")
	return a.withReport(a.withReload(a.withConfig(cmd)))
}

// withConfig gives a command the flags that it reads a configuration by.
func (a *app) withConfig(cmd *cobra.Command) *cobra.Command {
	a.flags.addConfig(cmd.Flags())
	return cmd
}

// withReload gives a command that compares with the last run the flag that says what is loaded in any case.
func (a *app) withReload(cmd *cobra.Command) *cobra.Command {
	a.flags.addReload(cmd.Flags())
	return cmd
}

// withSample gives a command the flags that have it try a part of a configuration.
func (a *app) withSample(cmd *cobra.Command) *cobra.Command {
	a.flags.addSample(cmd.Flags())
	return cmd
}

// withReport gives a command the flag that says where its report goes.
func (a *app) withReport(cmd *cobra.Command) *cobra.Command {
	a.flags.addReport(cmd.Flags())
	return cmd
}

// configAndBeamFlags accepts one configuration, and anything after --.
func configAndBeamFlags(cmd *cobra.Command, args []string) error {
	configs, _ := cutBeamFlags(cmd, args)
	return exactly(1, "a configuration file")(cmd, configs)
}

// exactly accepts n arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return failure.New(failure.Usage, "%s takes %s, but %d arguments were given", cmd.CommandPath(), what, len(args)).
			WithHint("usage: %s", cmd.UseLine())
	}
}

// build runs a configuration, publishes if it may and the configuration says so, and reports.
func (a *app) build(ctx context.Context, path string, beamFlags []string, mayPublish bool) error {
	command := "run"
	if !mayPublish {
		command = "generate"
	}
	cfg, err := a.loadAnnounced(ctx, command, path)
	if err != nil {
		return err
	}
	if !mayPublish {
		cfg.Publish = nil
	}
	id, err := a.identify(cfg.Name)
	if err != nil {
		return err
	}
	if a.flags.dryRun {
		return a.buildLoaded(ctx, cfg, id, path, beamFlags)
	}
	entries := cfg.Ingest
	if a.flags.resume != "" { // which reads what the run before has read
		entries = nil
	}
	ctx, watched := a.watch(ctx, command, id, cfg, entries)
	err = a.buildLoaded(ctx, cfg, id, path, beamFlags)
	a.endWatch(ctx, watched, a.endingOf(ctx, err))
	return err
}

// buildLoaded is [app.build] for a configuration.
func (a *app) buildLoaded(ctx context.Context, cfg *config.Config, id, path string, beamFlags []string) error {
	lockWait, err := a.checkNight(cfg)
	if err != nil {
		return err
	}
	if err := a.checkReportPlace(ctx); err != nil {
		return err
	}
	if cfg.IngestsOnly() {
		return a.runIngest(ctx, cfg, id, lockWait)
	}
	var resume string
	if a.flags.resume != "" {
		if resume, err = staging.FindRun(ctx, cfg, a.flags.resume); err != nil {
			return err
		}
	}
	engine := a.runnerOptions(cfg.Name, cfg.Runner, id, beamFlags)
	if engine.Notes, err = staging.RunNotes(cfg, id, resume); err != nil {
		return err
	}
	runner, err := runners.New(engine)
	if err != nil {
		return err
	}
	options := pipelines.RunOptions{
		ID:        id,
		Resume:    resume,
		Engine:    runner,
		Log:       a.log,
		LogValues: a.flags.logValues,
		Reload:    a.flags.reload,
		Lock:      refresh.LockOptions{Wait: lockWait},
		KeepRuns:  a.flags.keepRuns,

		PublishCommand: a.commandAgain(nil, []string{path}),
	}
	if a.flags.dryRun {
		return a.printJob(ctx, cfg, options)
	}
	meter := a.newMeter()
	options.Progress = meter.show
	record, err := pipelines.Run(ctx, cfg, options)
	meter.close()
	record.Engine = engineOf(runner)
	if record.Resumable != nil && !a.logResumable(record.Resumable) {
		a.say("%s with %s stay on staging: run this again with --resume %s",
			words.Count(int64(record.Resumable.Partials), "finished partial"), words.Count(record.Resumable.Rows, "row"), record.Resumable.RunID)
	}
	if a.logsFields() {
		a.logSummary(record)
	} else if err == nil || record.Status == report.Unpublished || isInterrupted(err) && isPlaced(record) {
		a.saySummary(record)
	}
	return a.endWithReport(ctx, record, afterInterrupt(err, record, options.PublishCommand))
}

// checkNight checks the flags of a run against its configuration, and tells how long it waits for the lock.
func (a *app) checkNight(cfg *config.Config) (lockWait time.Duration, err error) {
	if a.flags.keepRuns < 1 {
		return 0, failure.New(failure.Usage, "--keep-runs must be 1 or more, not %d", a.flags.keepRuns)
	}
	if err := refresh.CheckReload(cfg, a.flags.reload); err != nil {
		return 0, err
	}
	return flagSpan("--lock-wait", a.flags.lockWait)
}

// flagSpan reads the span of a flag, counted from now.
func flagSpan(flag, text string) (time.Duration, error) {
	if none, err := time.ParseDuration(text); err == nil && none == 0 {
		return 0, nil
	}
	var span config.Span
	if err := span.UnmarshalText([]byte(text)); err != nil {
		return 0, failure.New(failure.Usage, flag+" %w", err)
	}
	return span.Until(time.Now()), nil
}

// engineOf is what the engine knows of the jobs of a run.
func engineOf(runner *runners.Runner) *report.Engine {
	var engine *report.Engine
	for _, job := range runner.Jobs() {
		if engine == nil {
			engine = &report.Engine{}
		}
		engine.JobID = job.ID
		for _, attempt := range job.Attempts {
			engine.Attempts = append(engine.Attempts, report.Attempt{JobID: job.ID, Ended: attempt.Ended, Reason: attempt.Reason})
		}
	}
	return engine
}

// printJob prints the job that a run would send.
func (a *app) printJob(ctx context.Context, cfg *config.Config, options pipelines.RunOptions) error {
	job, err := pipelines.DescribeJob(ctx, cfg, options)
	if err != nil {
		return err
	}
	return a.printAsIs(string(job))
}

// nameless are runs of characters that engines do not take in the names of jobs.
var nameless = regexp.MustCompile(`[^A-Za-z0-9]+`)

// maxJobName is how much of the name of a configuration is in that of its jobs.
const maxJobName = 40

// jobName is the name of the jobs of a run, by which people find them.
func jobName(configuration, id string) string {
	name := nameless.ReplaceAllString(configuration, "-")
	name = strings.Trim(name[:min(len(name), maxJobName)], "-")
	if name == "" {
		return "hyperlake-" + id
	}
	return "hyperlake-" + name + "-" + id
}

// runnerOptions are those of the configuration, for a run.
func (a *app) runnerOptions(name string, cfg config.RunnerConfig, id string, beamFlags []string) runners.Options {
	dataflow := cfg.Dataflow
	dataflow.Labels = map[string]string{"hyperlake-run": strings.ToLower(id)}
	maps.Copy(dataflow.Labels, cfg.Dataflow.Labels)
	return runners.Options{
		Name:        cfg.Name,
		JobName:     jobName(name, id),
		Args:        beamFlags,
		Log:         a.log,
		BeamLog:     a.engineLog,
		Parallelism: int(cfg.Parallelism),
		Flink:       cfg.Flink,
		Dataflow:    dataflow,
	}
}

// sayRefresh tells people what was made anew, and what that changed.
func (a *app) sayRefresh(record *report.Report) {
	r := record.Refresh
	if r == nil || r.Mode == report.RefreshUnchanged {
		return
	}
	text := "everything was made anew: " + visible(r.Reason)
	if r.Mode == report.RefreshChanged {
		text = fmt.Sprintf("%s of %s changed: %s read", humanize.Comma(int64(r.UnitsChanged)), words.Count(int64(r.Units), "unit"),
			words.Count(r.RowsRead, "row"))
	}
	if before := r.Before; before != nil {
		change := cmp.Or(changeText(record.RowsLoaded()-before.RowsLoaded), "as many")
		text += fmt.Sprintf("; %s rows; rejects %s (before %s)",
			change, humanize.Comma(record.RowsRejected()), humanize.Comma(before.RowsRejected))
	}
	a.say("  %s", text)
	if r.Extracts != nil {
		a.say("  %s made anew, %s", words.Plural(int64(len(r.Extracts.Made)), "1 extract was", "extracts were"),
			words.Plural(int64(r.Extracts.Stay), "1 stays", "stay"))
	}
	for _, reason := range r.Tables {
		a.say("  a table was made anew: %s", visible(reason))
	}
}

// saySummary tells people what became of the rows.
func (a *app) saySummary(record *report.Report) {
	var rows int64
	for _, table := range record.Tables {
		rows += table.RowsLoaded
	}
	if record.Reused != nil {
		a.say("of run %s, %s with %s of the lake were reused", record.Reused.RunID,
			words.Count(int64(record.Reused.Partials), "partial"), words.Count(record.Reused.Rows, "row"))
	}
	a.sayIngested(record)
	a.sayStatus(goodColours, placeText(record), ": %s (%s, %s, %s, %.1f s)", visible(record.Output.Path),
		words.Count(int64(len(record.Tables)), "table"), words.Count(rows, "row"), humanize.Bytes(uint64(record.Output.Bytes)),
		record.Finished.Sub(record.Started).Seconds())
	a.sayRefresh(record)
	for _, table := range record.Tables {
		filtered := ""
		if table.RowsFiltered > 0 {
			filtered = humanize.Comma(table.RowsFiltered) + " filtered, "
		}
		a.say("  %s: %s read, %s%s rejected, %s loaded", sqlNameText(table.Schema, table.Name), words.Count(table.RowsRead, "row"),
			filtered, humanize.Comma(table.RowsRejected), humanize.Comma(table.RowsLoaded))
		for _, rule := range table.Rules {
			if rule.Failed > 0 {
				a.say("    %s broke %q (on_fail: %s)", words.Count(rule.Failed, "row"), rule.Name, rule.OnFail)
			}
		}
		if table.RejectsPath != "" {
			a.say("    rejects are in %s", visible(table.RejectsPath))
		}
		if len(table.Checks) > 0 {
			a.say("    %s", checksText(table.Checks))
		}
	}
	a.sayPublished(record.Publish)
}

// placeText says what stands at the output.
func placeText(record *report.Report) string {
	isUnchanged := record.Status == report.Unchanged
	switch several := int64(len(record.Outputs)); {
	case several > 0 && isUnchanged:
		return "nothing changed: " + words.Plural(several, "1 extract stays, named after", "extracts stay, named after")
	case several > 0:
		return words.Plural(several, "1 extract is in place, named after", "extracts are in place, named after")
	case isUnchanged:
		return "nothing changed: the extract stays"
	}
	return "extract is in place"
}

// checksText says how many checks passed, of a run whose extract is in place.
func checksText(results []report.CheckResult) string {
	var passed, broken int64
	for _, result := range results {
		if result.Passed {
			passed++
		} else {
			broken++
		}
	}
	text := words.Count(passed, "check") + " passed"
	if broken > 0 {
		text += fmt.Sprintf(", %s did not (on_fail: warn)", humanize.Comma(broken))
	}
	return text
}
