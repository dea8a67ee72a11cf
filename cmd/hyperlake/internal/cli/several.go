package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/report"
)

// configurationEndings are those of the files of a folder that are taken for configurations.
var configurationEndings = []string{".yaml", ".yml"}

// severalLong says in the help of commands what they do with several configurations.
const severalLong = `Build the extract of a configuration. Several configurations, or those of a folder, are run one after
another, whatever becomes of the others, with a summary at the end. The exit code is theirs if all that did not end well have
the same one, else 1.`

// ended is what became of one of several configurations, as --json tells it.
type ended struct {
	Configuration string         `json:"configuration"` // as it was named
	ExitCode      int            `json:"exit_code"`     // that of a command for it alone
	Message       string         `json:"message,omitempty"`
	Report        *report.Report `json:"report"` // null where it could not be read

	failed *failure.Error
}

// configsAndBeamFlags accepts one configuration or more, or folders of them, and anything after --.
func configsAndBeamFlags(cmd *cobra.Command, args []string) error {
	if configs, _ := cutBeamFlags(cmd, args); len(configs) == 0 {
		return failure.New(failure.Usage, "%s takes a configuration file, several, or a folder of them, but none was given", cmd.CommandPath()).
			WithHint("usage: %s", cmd.UseLine())
	}
	return nil
}

// cutBeamFlags cuts arguments at --.
func cutBeamFlags(cmd *cobra.Command, args []string) (configs, beamFlags []string) {
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		return args[:dash], args[dash:]
	}
	return args, nil
}

// buildAll runs one configuration as it is, and several one after another, whatever becomes of the others, with a summary at the end.
func (a *app) buildAll(cmd *cobra.Command, args []string, mayPublish bool) error {
	named, beamFlags := cutBeamFlags(cmd, args)
	files, err := configurationsOf(named)
	if err != nil {
		return err
	}
	if len(files) == 1 && files[0] == named[0] {
		return a.build(cmd.Context(), files[0], beamFlags, mayPublish)
	}
	ofOne := map[string]bool{"--report": a.flags.report != "", "--resume": a.flags.resume != "", "--dry-run": a.flags.dryRun}
	for flag, isGiven := range ofOne {
		if isGiven {
			return failure.New(failure.Usage, "%s is for one configuration, not for %d", flag, len(files)).
				WithHint("--json prints the reports of all, and `hyperlake history` has those of earlier runs")
		}
	}
	all, interrupted := a.buildEach(cmd.Context(), files, beamFlags, mayPublish)
	if a.flags.json {
		if err := a.printJSON(all); err != nil {
			return err
		}
	}
	a.sayPage(endsPage(a.wordsPage(), all))
	if interrupted != nil {
		return interrupted
	}
	return endOfAll(all)
}

// buildEach runs configurations one after another until one is interrupted.
func (a *app) buildEach(ctx context.Context, files, beamFlags []string, mayPublish bool) (all []ended, interrupted error) {
	log, engineLog := a.log, a.engineLog // without a run
	a.isOneOfSeveral = true
	for i, file := range files {
		a.say("%s (%d of %d)", visible(file), i+1, len(files))
		end := a.endingOf(ctx, a.build(ctx, file, beamFlags, mayPublish))
		a.announce(ctx, end)
		a.announcement.Store(nil)
		a.final.Store(nil)
		a.log, a.engineLog, a.identity = log, engineLog, nil
		if ctx.Err() != nil {
			return all, end.err()
		}
		one := ended{Configuration: file, ExitCode: end.code, Report: end.report, failed: end.failed}
		if end.failed != nil {
			one.Message = end.failed.Sentence()
			a.say("%s: %s", visible(file), visible(one.Message))
		}
		all = append(all, one)
	}
	return all, nil
}

// configurationsOf are the files that arguments name: those of a folder by their names, not those in folders below.
func configurationsOf(named []string) (files []string, err error) {
	for _, name := range named {
		stat, err := os.Stat(name)
		if err != nil || !stat.IsDir() {
			files = append(files, name)
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, failure.New(failure.Usage, "look for configurations: %w", err)
		}
		before := len(files)
		for _, entry := range entries {
			isConfiguration := slices.Contains(configurationEndings, strings.ToLower(filepath.Ext(entry.Name())))
			if isConfiguration && !entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
				files = append(files, filepath.Join(name, entry.Name()))
			}
		}
		if len(files) == before {
			return nil, failure.New(failure.Usage, "the folder %s holds no configuration", name).
				WithHint("their names end in %s", strings.Join(configurationEndings, " or "))
		}
	}
	return files, nil
}

// endsPage says what became of configurations, a line each.
func endsPage(p *page, all []ended) *page {
	columns := []column{
		{name: "configuration"}, {name: "ended", colours: statusColours}, {name: "rows", number: true, minor: 1},
		{name: "rejected", number: true}, {name: "seconds", number: true, minor: 2},
	}
	rows := make([][]string, 0, len(all))
	for _, one := range all {
		row := []string{visible(one.Configuration), fmt.Sprintf("exit %d", one.ExitCode), "", "", ""}
		if r := one.Report; r != nil {
			row = []string{
				visible(one.Configuration), string(r.Status), humanize.Comma(r.RowsLoaded()), humanize.Comma(r.RowsRejected()),
				fmt.Sprintf("%.1f", r.Finished.Sub(r.Started).Seconds()),
			}
		}
		rows = append(rows, row)
	}
	p.table(columns, rows)
	return p
}

// endOfAll is the failure of the command: of the nature of the first of its configurations, if all have the same exit code.
func endOfAll(all []ended) error {
	var failed []ended
	for _, one := range all {
		if one.failed != nil {
			failed = append(failed, one)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	kind, isEarly := failed[0].failed.Kind, failed[0].failed.Early
	names := make([]string, 0, len(failed))
	for _, one := range failed {
		names = append(names, fmt.Sprintf("%s (exit %d)", one.Configuration, one.ExitCode))
		if one.ExitCode != failed[0].ExitCode {
			kind, isEarly = failure.Engine, false
		}
	}
	count := words.Count(int64(len(all)), "configuration")
	e := failure.New(kind, "%d of %s did not end well: %s", len(failed), count, strings.Join(names, ", ")).
		WithHint("what is to be done for each stands above, and in its history")
	e.Early = isEarly
	return e
}
