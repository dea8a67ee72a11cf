package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/staging"
	"hyperlake/sinks/hyper"
)

// cleanFlags are those of clean.
type cleanFlags struct {
	staging   string
	olderThan string
	dryRun    bool
}

// cleanListing is what clean prints for programs.
type cleanListing struct {
	Folders []staging.Cleaned `json:"folders"`
}

func (a *app) cleanCommand() *cobra.Command {
	flags := &cleanFlags{}
	cmd := &cobra.Command{
		Use:   "clean [CONFIG]",
		Short: "Remove what dead runs left on staging, and dead processes on this machine",
		Long: `Remove what runs left that were killed: their folders on the staging of CONFIG, or on that
of --staging, and the hidden ones beside the output of CONFIG and beside the folders that it
ingests into; and the folders for temporary files, and the copies of this program, of processes of this machine that were killed.

Folders of runs are known by the id in their names; nothing else is touched. What a living
run or process has locked stays, and so does what is younger than --older-than (and than a
minute), counted from the newest file. On object storage there are no locks: choose a time that no run
works without writing a file. Uploads to staging, to the output, to the lake and to rejects that were begun before
that and never finished are aborted, where the storage keeps them (s3://). A failed run that is to be resumed needs its folder.`,
		Example: `  hyperlake clean lineitem.yaml --dry-run
  hyperlake clean --staging gs://bucket/staging --older-than 7d`,
		Args: atMostOne("configuration file"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.clean(cmd.Context(), flags, args) },
	}
	cmd.Flags().StringVar(&flags.staging, "staging", "", "look at this `folder` instead of the staging of CONFIG")
	cmd.Flags().StringVar(&flags.olderThan, "older-than", "24h", "keep what is younger than this `time`, such as 36h or 7d")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "say what would be removed, and remove nothing")
	return cmd
}

// atMostOne accepts one argument or none.
func atMostOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return failure.New(failure.Usage, "%s takes one %s at most, but %d arguments were given", cmd.CommandPath(), what, len(args)).
			WithHint("usage: %s", cmd.UseLine())
	}
}

func (a *app) clean(ctx context.Context, flags *cleanFlags, args []string) error {
	var age config.Span
	if err := age.UnmarshalText([]byte(flags.olderThan)); err != nil {
		return failure.New(failure.Usage, "--older-than %w", err)
	}
	cfg, err := a.cleanConfig(flags, args)
	if err != nil {
		return err
	}
	folders := []string{a.tempFolder, hyper.MemoryFolder}
	if cfg.Spool.Path != "" && !slices.Contains(folders, cfg.Spool.Path) {
		folders = append(folders, cfg.Spool.Path)
	}
	cleaned, err := during(a, "clean", "", func() ([]staging.Cleaned, error) {
		return staging.Clean(ctx, cfg, staging.CleanOptions{
			OlderThan: age.Until(time.Now()), DryRun: flags.dryRun, Scratch: folders, Boot: scratch.BootParent,
		})
	})
	if cfg.Output.Path != "" && !flags.dryRun {
		err = errors.Join(err, refresh.RemoveDeadLock(ctx, cfg.Output.Path))
	}
	for _, entry := range cfg.Ingest {
		if !flags.dryRun {
			err = errors.Join(err, refresh.RemoveDeadLock(ctx, entry.To))
		}
	}
	if printErr := a.printCleaned(cleaned, flags); err == nil {
		err = printErr
	}
	return err
}

// cleanConfig is the configuration of the command line, or one that has no more than a staging.
func (a *app) cleanConfig(flags *cleanFlags, args []string) (*config.Config, error) {
	if len(args) == 1 {
		var values []config.FlagValue
		if flags.staging != "" {
			values = append(values, config.FlagValue{Flag: "--staging", Key: "staging", Value: strconv.Quote(flags.staging)})
		}
		return a.flags.load(args[0], values...)
	}
	cfg := &config.Config{Staging: flags.staging}
	if flags.staging == "" {
		return cfg, nil
	}
	if _, err := storage.For(flags.staging); err != nil {
		return nil, failure.New(failure.Usage, "--staging %w", err)
	}
	if storage.IsLocal(flags.staging) {
		var err error
		if cfg.Staging, err = filepath.Abs(flags.staging); err != nil {
			return nil, failure.New(failure.Usage, "--staging: %w", err)
		}
	}
	return cfg, nil
}

// printCleaned prints what became of every folder, and for people the sum.
func (a *app) printCleaned(cleaned []staging.Cleaned, flags *cleanFlags) error {
	if a.flags.json {
		return a.printJSON(cleanListing{append([]staging.Cleaned{}, cleaned...)})
	}
	did, counted := "removed", staging.CleanRemoved
	if flags.dryRun {
		did, counted = "would remove", staging.CleanWouldRemove
	}
	var rows [][]string
	var folders, uploads, bytes int64
	for _, c := range cleaned {
		rows = append(rows, []string{
			cmp.Or(c.RunID, kindText(c)), visible(c.Name), ageText(time.Since(c.Modified)), humanize.Comma(int64(c.Files)),
			humanize.Bytes(uint64(c.Bytes)), cleanText(c.Outcome, flags.olderThan), visible(c.Path),
		})
		if c.Outcome == counted && c.Upload {
			uploads++
		} else if c.Outcome == counted {
			folders, bytes = folders+1, bytes+c.Bytes
		}
	}
	if len(rows) > 0 {
		headings := []column{
			{name: "run", fit: whole}, {name: "name", optional: true, minor: 1}, {name: "age", number: true, minor: 2},
			{name: "files", number: true, minor: 3}, {name: "size", number: true}, {name: "what"}, {name: "folder", fit: inTheMiddle},
		}
		p := a.resultPage()
		p.table(headings, rows)
		if err := a.printPage(p); err != nil {
			return err
		}
	}
	also := ""
	if uploads > 0 {
		also = ", and " + words.Count(uploads, "unfinished upload")
	}
	a.say("%s %s, %s%s", did, words.Count(folders, "folder"), humanize.Bytes(uint64(bytes)), also)
	return nil
}

// kindText says for people what there is that is of no known run.
func kindText(c staging.Cleaned) string {
	if c.Upload {
		return "unfinished upload"
	}
	return "temporary files"
}

// cleanText says for people what became of a folder.
func cleanText(outcome staging.CleanOutcome, olderThan string) string {
	switch outcome {
	case staging.CleanWouldRemove:
		return "would be removed"
	case staging.CleanAlive:
		return "kept: alive"
	case staging.CleanYoung:
		return "kept: younger than " + olderThan
	case staging.CleanFailed:
		return "not removed"
	default:
		return string(outcome)
	}
}

// ageText is a span of time in one unit.
func ageText(age time.Duration) string {
	switch {
	case age < time.Hour:
		return fmt.Sprintf("%d min", age/time.Minute)
	case age < 48*time.Hour:
		return fmt.Sprintf("%d h", age/time.Hour)
	default:
		return fmt.Sprintf("%d days", age/(24*time.Hour))
	}
}
