package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/text"
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
				return a.printPage(reportPage(a.resultPage(), report))
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

// reportPage writes a report for people.
func reportPage(p *page, report *htmlreport.Report) *page {
	outcome := report.Outcome()
	p.spans(span{text: visible(cmp.Or(report.Name, "unnamed run")) + ": "},
		span{strings.ToLower(visible(outcome.Label)), markColours(outcome.Mark)}, span{text: ". " + outcome.Sentence})
	if e := report.Error; e != nil {
		p.line("%s", words.OneLine(visible(e.Message)))
		if e.Hint != "" {
			p.line("what to do: %s", words.OneLine(visible(e.Hint)))
		}
	}
	writeReportFacts(p, report)
	for i := range report.Tables {
		writeReportTable(p, &report.Tables[i], report.Counted())
	}
	writeStages(p, report.Stages)
	if len(report.Warnings) > 0 {
		p.line("")
	}
	p.warnings(report.Warnings)
	return p
}

// writeReportFacts names the output and the run. Old reports may lack some of it.
func writeReportFacts(p *page, report *htmlreport.Report) {
	if output := report.Output; output.Bytes != nil && *output.Bytes > 0 {
		p.line("output %s: %s, sha256 %s", visible(output.Path), size(*output.Bytes), visible(output.SHA256))
	} else if output.Path != "" {
		p.line("output %s", visible(output.Path))
	}
	for _, source := range report.Deliveries() {
		p.line("data source %s", words.OneLine(visible(source.Words())))
	}
	if report.RunID != "" {
		p.line("run %s", visible(report.RunID))
	}
	if !report.Started.IsZero() {
		p.line("started %s, took %s", report.Started.UTC().Format("2006-01-02 15:04:05 UTC"), htmlreport.Seconds(report.Seconds()))
	}
}

func writeReportTable(p *page, table *htmlreport.Table, counted bool) {
	p.line("\n%s", sqlNameText(table.Schema, table.Name))
	var rows [][]string
	colours := map[string]text.Colors{} // of sums
	for _, entry := range table.Account(counted) {
		var sum string
		if entry.Sum != nil {
			sum = entry.Sum.Mark.Sign + " " + entry.Sum.Words
			colours[sum] = markColours(entry.Sum.Mark)
		}
		rows = append(rows, []string{entry.Label, figure(entry.Rows), htmlreport.Share(entry.Rows, entry.Of), sum})
	}
	p.table([]column{
		{name: "rows"}, {name: "number", number: true}, {name: "share", number: true, minor: 1},
		{name: "sum", colours: func(sum string) text.Colors { return colours[sum] }},
	}, rows)
	for _, limit := range table.Limits(counted) {
		p.spans(span{text: "threshold of rejects: "}, span{limit.Mark.Sign, markColours(limit.Mark)}, span{text: " " + limit.Words})
	}
	for _, rule := range table.Rules {
		p.line("rule %s: %s failed (on_fail: %s)", visible(rule.Name), figure(rule.Failed), visible(rule.OnFail))
	}
	for _, check := range table.Checks {
		p.spans(span{text: "check " + visible(check.Name) + ": "}, span{check.Mark().Sign, markColours(check.Mark())},
			span{text: " " + visible(check.Result())})
	}
	if table.RejectsPath != "" {
		p.line("rejects: %s", visible(table.RejectsPath))
	}
}

func writeStages(p *page, stages []htmlreport.Stage) {
	if len(stages) == 0 {
		return
	}
	var rows [][]string
	for _, stage := range stages {
		rows = append(rows, []string{visible(stage.Name), htmlreport.Seconds(stage.Seconds), figure(stage.Rows)})
	}
	p.line("")
	p.table([]column{{name: "stage"}, {name: "time", number: true}, {name: "rows", number: true}}, rows)
}

// markColours are those of a judgement.
func markColours(mark htmlreport.Mark) text.Colors {
	switch mark.Color {
	case "good":
		return goodColours
	case "doubt":
		return warningColours
	case "bad":
		return failedColours
	}
	return nil
}

// figure writes a number that a report may lack.
func figure(n *int64) string {
	if n == nil {
		return "—"
	}
	return humanize.Comma(*n)
}
