package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"hyperlake/cmd/hyperlake/internal/htmlreport"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
)

// toStdout stands for stdout where a file is named.
const toStdout = "-"

func (a *app) reportCommand() *cobra.Command {
	var page string
	cmd := &cobra.Command{
		Use:   "report FILE.json",
		Short: "Show the report of a run, as text or as one HTML page",
		Long: `Show the report of a run, which --report FILE.json wrote: how it ended, what became of the
rows of each table, rules, checks and stages.

With --html, write it as one page with all details that needs nothing but itself: no other
files, no network, no scripts.`,
		Example: `  hyperlake report nightly.json
  hyperlake report nightly.json --html nightly.html`,
		Args: exactly(1, "the report of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.flags.json && page != "" {
				return failure.New(failure.Usage, "--json and --html exclude each other").WithHint("leave one of them out")
			}
			data, report, err := readReport(cmd.Context(), args[0])
			switch {
			case err != nil:
				return err
			case a.flags.json:
				return a.printJSON(json.RawMessage(data))
			case page == "":
				return a.printText(reportText(report))
			}
			return a.writePage(cmd.Context(), report, page)
		},
	}
	cmd.Flags().StringVar(&page, "html", "", "write the report as an HTML page to this `file`; - is stdout")
	return cmd
}

// readReport reads the report of a run. What is none is a wrong command line.
func readReport(ctx context.Context, path string) ([]byte, *htmlreport.Report, error) {
	store, err := storage.For(path)
	if err != nil {
		return nil, nil, failure.New(failure.Usage, "%w", err)
	}
	data, err := store.Get(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, failure.New(failure.Usage, "there is no file %s", path).
			WithHint("check the path; runs write a report with --report FILE")
	case err != nil:
		return nil, nil, failure.New(failure.Storage, "read the report %s: %w", path, err).WithHint("%s", storage.Hint(err))
	}
	report, err := htmlreport.Decode(data)
	if err != nil {
		return nil, nil, failure.New(failure.Usage, "%s is no report of a run: %w", path, err).
			WithHint("name a file that `hyperlake run CONFIG --report FILE` wrote")
	}
	return data, report, nil
}

// writePage renders a report to a file, which appears whole or not at all, or to stdout.
func (a *app) writePage(ctx context.Context, report *htmlreport.Report, path string) error {
	html, err := htmlreport.HTML(report)
	if err != nil {
		return err
	}
	if path == toStdout {
		return a.printAsIs(string(html))
	}
	store, err := storage.For(path)
	if err != nil {
		return failure.New(failure.Usage, "%w", err)
	}
	if err := store.Put(ctx, path, html); err != nil {
		return failure.New(failure.Storage, "write the page %s: %w", path, err).WithHint("%s", storage.Hint(err))
	}
	return nil
}

// reportText is a report for people.
func reportText(report *htmlreport.Report) string {
	var b strings.Builder
	outcome := report.Outcome()
	fmt.Fprintf(&b, "%s: %s. %s\n", visible(cmp.Or(report.Name, "unnamed run")), strings.ToLower(visible(outcome.Label)), outcome.Sentence)
	if e := report.Error; e != nil {
		fmt.Fprintf(&b, "%s\n", words.OneLine(visible(e.Message)))
		if e.Hint != "" {
			fmt.Fprintf(&b, "what to do: %s\n", words.OneLine(visible(e.Hint)))
		}
	}
	writeReportFacts(&b, report)
	for i := range report.Tables {
		writeReportTable(&b, &report.Tables[i], report.Counted())
	}
	writeStages(&b, report.Stages)
	if len(report.Warnings) > 0 {
		fmt.Fprintln(&b)
	}
	for _, warning := range report.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", visible(warning))
	}
	return b.String()
}

// writeReportFacts names the output and the run. Old reports may lack some of it.
func writeReportFacts(b *strings.Builder, report *htmlreport.Report) {
	if output := report.Output; output.Bytes != nil && *output.Bytes > 0 {
		fmt.Fprintf(b, "output %s: %s, sha256 %s\n", visible(output.Path), size(*output.Bytes), visible(output.SHA256))
	} else if output.Path != "" {
		fmt.Fprintf(b, "output %s\n", visible(output.Path))
	}
	for _, source := range report.Deliveries() {
		fmt.Fprintf(b, "data source %s\n", words.OneLine(visible(source.Words())))
	}
	if report.RunID != "" {
		fmt.Fprintf(b, "run %s\n", visible(report.RunID))
	}
	if !report.Started.IsZero() {
		fmt.Fprintf(b, "started %s, took %s\n", report.Started.UTC().Format("2006-01-02 15:04:05 UTC"), htmlreport.Seconds(report.Seconds()))
	}
}

func writeReportTable(b *strings.Builder, table *htmlreport.Table, counted bool) {
	fmt.Fprintf(b, "\n%s\n", sqlNameText(table.Schema, table.Name))
	var rows [][]string
	for _, entry := range table.Account(counted) {
		var sum string
		if entry.Sum != nil {
			sum = entry.Sum.Mark.Sign + " " + entry.Sum.Words
		}
		rows = append(rows, []string{entry.Label, figure(entry.Rows), htmlreport.Share(entry.Rows, entry.Of), sum})
	}
	headings := []column{{name: "rows"}, {name: "number", number: true}, {name: "share", number: true}, {name: "sum"}}
	fmt.Fprintln(b, renderTable(headings, rows, true))
	for _, limit := range table.Limits(counted) {
		fmt.Fprintf(b, "threshold of rejects: %s %s\n", limit.Mark.Sign, limit.Words)
	}
	for _, rule := range table.Rules {
		fmt.Fprintf(b, "rule %s: %s failed (on_fail: %s)\n", visible(rule.Name), figure(rule.Failed), visible(rule.OnFail))
	}
	for _, check := range table.Checks {
		fmt.Fprintf(b, "check %s: %s %s\n", visible(check.Name), check.Mark().Sign, visible(check.Result()))
	}
	if table.RejectsPath != "" {
		fmt.Fprintf(b, "rejects: %s\n", visible(table.RejectsPath))
	}
}

func writeStages(b *strings.Builder, stages []htmlreport.Stage) {
	if len(stages) == 0 {
		return
	}
	var rows [][]string
	for _, stage := range stages {
		rows = append(rows, []string{visible(stage.Name), htmlreport.Seconds(stage.Seconds), figure(stage.Rows)})
	}
	fmt.Fprintf(b, "\n%s\n", renderTable([]column{{name: "stage"}, {name: "time", number: true}, {name: "rows", number: true}}, rows, true))
}

// figure writes a number that a report may lack.
func figure(n *int64) string {
	if n == nil {
		return "—"
	}
	return humanize.Comma(*n)
}
