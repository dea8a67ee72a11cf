package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines"
	"hyperlake/pipelines/diff"
	"hyperlake/pipelines/report"
)

func (a *app) diffCommand() *cobra.Command {
	return a.withConfig(&cobra.Command{
		Use:   "diff A B | CONFIG RUN RUN",
		Short: "Say what differs between two extracts or two runs",
		Long: `Say what differs between two extracts, or between two runs.

Two .hyper files, local or remote, are compared by all their rows: tables that only one has,
columns (name, type, nullability, order), how many rows only one has or has more often, in any
order of rows, and where those differ NULLs, least and greatest values and sums of each column.
Sums are those of integers and decimals, which are exact. Neither file is changed.

Two runs are compared by what they reported: rows, rejects, rows of units that both counted,
columns with their NULLs and least and greatest values. Name two reports, which runs wrote
with --report FILE.json, or a configuration and two of the runs that "hyperlake history CONFIG" lists.

Exit codes: 0 they are equal; 1 they differ, and the last line says in what, or they could
not be compared; 2 wrong usage.`,
		Example: `  hyperlake diff yesterday.hyper gs://warehouse/extracts/sales.hyper
  hyperlake diff before.json after.json --json
  hyperlake diff sales.yaml 20261120T021500Z-0cb56a09 20261121T021500Z-5d0e77a1`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 || len(args) == 3 {
				return nil
			}
			return failure.New(failure.Usage, "%s takes two extracts, two reports, or a configuration and two runs, but %d arguments were given",
				cmd.CommandPath(), len(args)).WithHint("usage: %s", cmd.UseLine())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := during(a, "compare", "", func() (diff.Difference, error) { return a.difference(cmd.Context(), args) })
			if err != nil {
				return err
			}
			return a.printDifference(found)
		},
	})
}

// difference compares what arguments name.
func (a *app) difference(ctx context.Context, args []string) (diff.Difference, error) {
	if len(args) == 3 {
		return a.diffHistory(ctx, args[0], args[1:])
	}
	switch first, second := isExtract(args[0]), isExtract(args[1]); {
	case first && second:
		return diffExtracts(ctx, args[0], args[1])
	case first != second:
		return diff.Difference{}, failure.New(failure.Usage, "one of %s and %s is a .hyper file, the other one is not", args[0], args[1]).
			WithHint("name two .hyper files, or the reports of two runs")
	}
	var runs [2]*report.Report
	for i, path := range args {
		var err error
		if runs[i], err = readRun(ctx, path); err != nil {
			return diff.Difference{}, err
		}
	}
	found, err := diffRuns(runs[0], runs[1])
	found.A, found.B = args[0], args[1]
	return found, err
}

// isExtract says whether a path is that of a .hyper file, as far as one can tell without hyperd.
func isExtract(path string) bool {
	return isHyper(path) || filepath.Ext(path) == hyperExtension
}

// diffExtracts compares two .hyper files. Copies of remote ones go with the process.
func diffExtracts(ctx context.Context, a, b string) (diff.Difference, error) {
	folder, err := os.MkdirTemp("", "diff-")
	if err != nil {
		return diff.Difference{}, failure.New(failure.Storage, "make a folder for copies: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	var local [2]string
	for i, path := range []string{a, b} {
		copied := filepath.Join(folder, []string{"a", "b"}[i]+hyperExtension)
		if local[i], err = storage.Fetch(ctx, path, copied); err != nil {
			return diff.Difference{}, unfetched(path, err)
		}
		if err := checkHyperFile(local[i]); err != nil {
			return diff.Difference{}, err
		}
	}
	lease, err := hyperd.Acquire(ctx, hyperd.Config{})
	if err != nil {
		return diff.Difference{}, err
	}
	defer lease.Release()
	found, err := diff.Extracts(ctx, lease, local[0], local[1])
	if err != nil {
		return diff.Difference{}, explainHyperd(err, a)
	}
	found.A, found.B = a, b
	return found, nil
}

func unfetched(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return failure.New(failure.Usage, "there is no file %s", path).WithHint("check the path")
	}
	return failure.New(failure.Storage, "read %s: %w", path, err).WithHint("%s", storage.Hint(err))
}

// readRun reads the report of a run.
func readRun(ctx context.Context, path string) (*report.Report, error) {
	data, _, err := readReport(ctx, path)
	if err != nil {
		return nil, err
	}
	var run report.Report
	if err := json.Unmarshal(data, &run); err != nil {
		return nil, failure.New(failure.Usage, "%s is no report that can be compared: %w", path, err).
			WithHint("name files that `hyperlake run CONFIG --report FILE` wrote")
	}
	return &run, nil
}

// diffHistory compares two of the runs that a configuration remembers.
func (a *app) diffHistory(ctx context.Context, config string, ids []string) (diff.Difference, error) {
	cfg, err := a.flags.load(config)
	if err != nil {
		return diff.Difference{}, err
	}
	history, err := pipelines.History(ctx, cfg)
	if err != nil {
		return diff.Difference{}, err
	}
	var runs [2]*report.Report
	for i, id := range ids {
		var known []string
		for j := range history {
			known = append(known, history[j].RunID)
			if history[j].RunID == id {
				runs[i] = &history[j]
			}
		}
		if runs[i] != nil {
			continue
		}
		e := failure.New(failure.Usage, "no run %s of %s is remembered", id, config).WithHint("`hyperlake history %s` lists the runs", config)
		if near, ok := words.Nearest(id, known); ok {
			e = e.WithHint("did you mean %s? `hyperlake history %s` lists the runs", near, config)
		}
		return diff.Difference{}, e
	}
	return diffRuns(runs[0], runs[1])
}

// diffRuns compares two runs that counted their rows.
func diffRuns(a, b *report.Report) (diff.Difference, error) {
	for _, run := range []*report.Report{a, b} {
		if !run.Complete {
			return diff.Difference{}, failure.New(failure.Usage, "run %s did not count its rows: it ended as %s", run.RunID, run.Status).
				WithHint("name another run")
		}
	}
	return diff.Runs(a, b), nil
}

// printDifference prints what differs, and fails if anything does.
func (a *app) printDifference(found diff.Difference) error {
	var err error
	switch {
	case a.flags.json:
		err = a.printJSON(found)
	default:
		err = a.printPage(differencePage(a.resultPage(), found))
	}
	if err != nil || found.Equal {
		return err
	}
	return failure.New(failure.Difference, "A %s and B %s differ: %s", found.A, found.B, found.Sentence())
}
