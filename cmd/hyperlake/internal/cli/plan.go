package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines"
	"hyperlake/pipelines/checks"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/transforms/validate"
)

func (a *app) planCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "plan CONFIG",
		Short: "Show what a run would do, without doing it",
		Long: `Show what a run of the configuration would do: the files that it would read, the tables
and types that they would become, the format version and why, how the work is divided, and
where the extract would be published.

It reads no more than the footers of the files, and of what would be ingested first the columns;
it asks no server but those, and writes nothing. Tables are planned over the lake as it is. hyperd is
needed only for checks in SQL, which are tried on tables without rows. What keeps a run from
starting is the same failure here, but for what only this environment lacks, such as a token.`,
		Example: "  hyperlake plan lineitem.yaml --set output.format_version=3",
		Args:    exactly(1, "a configuration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.flags.load(args[0])
			if err != nil {
				return err
			}
			plan, err := during(a, "plan", "", func() (*pipelines.Preview, error) { return a.makePlan(cmd.Context(), cfg) })
			if err != nil {
				return err
			}
			show := func() error { return a.printPage(planPage(a.resultPage(), plan)) }
			if a.flags.json {
				show = func() error { return a.printJSON(plan) }
			}
			if err := show(); err != nil {
				return err
			}
			return plan.Publish.Refusal()
		},
	}
}

// makePlan plans a run, compares it with the last one, and tries the checks.
func (a *app) makePlan(ctx context.Context, cfg *config.Config) (*pipelines.Preview, error) {
	plan, err := pipelines.MakePlan(ctx, cfg)
	if err != nil || cfg.IngestsOnly() {
		return plan, err
	}
	if err := plan.Compare(ctx, cfg, a.flags.reload); err != nil {
		return nil, err
	}
	return plan, a.tryChecks(ctx, cfg, plan.Plan)
}

// tryChecks tries the checks in SQL, where there is a hyperd.
func (a *app) tryChecks(ctx context.Context, cfg *config.Config, plan *plan.Plan) error {
	err := checks.Try(ctx, cfg, plan)
	if failed := failure.Of(err, failure.Engine); failed != nil && failed.Kind == failure.Hyperd {
		a.log.Warn("the checks in SQL were not tried", "error", failed.Sentence())
		return nil
	}
	return err
}

// noExtract is what is told of a configuration that only ingests.
const noExtract = "no extract: the configuration has no tables"

// writeRefresh says what would be made anew.
func writeRefresh(p *page, plan *pipelines.Preview) {
	r, stays := plan.Refresh, "the extract would stay"
	if plan.MakesSeveral() {
		stays = "the extracts would stay"
	}
	switch {
	case r == nil:
	case r.Mode == report.RefreshUnchanged:
		p.line("nothing changed since run %s: %s", visible(r.Before.RunID), stays)
	case r.Mode == report.RefreshFull:
		p.line("everything would be made anew: %s", visible(r.Reason))
	default:
		p.line("%d of %s changed since run %s: %s would be read", r.UnitsChanged, words.Count(int64(r.Units), "unit"),
			visible(r.Before.RunID), words.Count(r.RowsRead, "row"))
		if e := r.Extracts; e != nil {
			p.line("%s would be made anew%s, %s", words.Plural(int64(len(e.Made)), "1 extract", "extracts"), namesText(e.Made),
				words.Plural(int64(e.Stay), "1 stays", "stay"))
		}
		for _, reason := range r.Tables {
			p.line("a table would be made anew: %s", visible(reason))
		}
	}
}

// namesText names some of several values.
func namesText(values []string) string {
	if len(values) == 0 {
		return ""
	}
	const most = 10
	text := ": " + strings.Join(values[:min(len(values), most)], ", ")
	if more := len(values) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return visible(text)
}

// planPage writes a plan for people.
func planPage(p *page, plan *pipelines.Preview) *page {
	writeIngestPlan(p, plan.Ingest)
	if plan.Plan == nil {
		p.line("%s", noExtract)
		return p
	}
	p.line("%s: %s in %s", visible(plan.Name), words.Count(int64(len(plan.Tables)), "table"), visible(plan.Output))
	p.line("format version %d: %s", plan.FormatVersion, visible(plan.FormatReason))
	p.line("%s", words.Count(int64(plan.Shards), "shard"))
	writeRefresh(p, plan)
	if plan.Merge == config.MergeNone {
		p.line("no merge: every partial stays an extract of its own, numbered, as in NAME-00001-of-00008.hyper")
	}
	for _, table := range plan.Tables {
		writeTablePlan(p, table)
		writeWhere(p, table)
		writeReaders(p, table)
		writeRules(p, table.Rules)
		writeRepartition(p, table.Repartition)
		for _, note := range table.LeftOut {
			p.line("left out: %s", visible(note))
		}
		for _, note := range table.Drift {
			p.line("drift: %s", visible(note))
		}
	}
	writePublishPlan(p, plan.Publish)
	if len(plan.Warnings) > 0 {
		p.line("")
	}
	p.warnings(plan.Warnings)
	return p
}

func writeTablePlan(p *page, table *plan.TablePlan) {
	p.line("\n%s: %s, %s, %s, %s", sqlNameText(table.Schema, table.Name),
		words.Count(int64(table.Files), "file"), words.Count(int64(table.RowGroups), "row group"),
		words.Count(table.Rows, "row"), size(table.Bytes))
	if table.Source != nil {
		p.line("%s", visible(table.Source.String()))
	}
	if table.RowsDeleted > 0 {
		p.line("%s of these files are deleted", words.Count(table.RowsDeleted, "row"))
	}
	if table.DeleteFiles > 0 {
		files := words.Count(int64(table.DeleteFiles), "delete file")
		p.line("the rows of %s are left out as they are read, and not counted before", files)
	}
	headings := []column{
		{name: "column"}, {name: "source type", minor: 3}, {name: "in the extract", optional: true}, {name: "SQL type"},
		{name: "nullable", minor: 1}, {name: "conversion", optional: true, minor: 2},
	}
	var rows [][]string
	for _, c := range table.Columns {
		renamed := ""
		if c.Name != c.Source {
			renamed = visible(c.Name)
		}
		rows = append(rows, []string{
			visible(c.Source), visible(c.SourceType), renamed, c.SQLType, yesNo(c.Nullable), conversionText(c.Conversion),
		})
	}
	p.table(headings, rows)
}

// writeWhere says which part of the files is read, and why.
func writeWhere(p *page, table *plan.TablePlan) {
	if len(table.Partitions) > 0 {
		var names []string
		for _, name := range table.Partitions {
			names = append(names, visible(name))
		}
		from := "from the names of folders"
		if table.Source != nil {
			from = "partition columns"
		}
		p.line("%s: %s", from, strings.Join(names, ", "))
	}
	if table.Where != "" {
		p.line("where %s", visible(table.Where))
	}
	if table.Window != "" {
		p.line("window: %s", visible(table.Window))
	}
	if table.Where != "" || table.Window != "" {
		pruned := table.Pruned
		p.line("not read for that: %d of %s, %d of %s, %s, %s",
			pruned.Files, words.Count(int64(table.Files), "file"), pruned.RowGroups, words.Count(int64(table.RowGroups), "row group"),
			words.Count(pruned.Rows, "row"), size(pruned.Bytes))
	}
	for _, part := range table.RowByRow {
		p.line("evaluated for one row after the other: %s", visible(part))
	}
}

// writeReaders says which files hyperd reads itself, and why not the others.
func writeReaders(p *page, table *plan.TablePlan) {
	p.line("hyperd reads %d of %s itself", table.Deferred, words.Count(int64(table.Files), "file"))
	for _, reason := range table.Materialised {
		p.line("not read by hyperd: %s", visible(reason))
	}
}

// writeRepartition says where rows go and how they are sorted.
func writeRepartition(p *page, repartition *plan.RepartitionPlan) {
	if repartition == nil {
		return
	}
	for _, note := range repartition.Notes {
		p.line("repartition: %s", visible(note))
	}
}

// writePublishPlan says where the extract goes, and what is wrong with that.
func writePublishPlan(p *page, plan *publish.Plan) {
	if plan == nil {
		return
	}
	site, project := "the default site", "the default project"
	if plan.Site != "" {
		site = "site " + visible(plan.Site)
	}
	if named := cmp.Or(plan.Project, plan.ProjectID); named != "" {
		project = "project " + visible(named)
	}
	how := "mode " + string(plan.Mode)
	if len(plan.Match) > 0 {
		how += " by " + visible(strings.Join(plan.Match, ", "))
	}
	if plan.IfChanged {
		how += ", if the rows changed"
	}
	if plan.OnBusy != config.BusyWait {
		how += fmt.Sprintf(", %s while others are changing it", plan.OnBusy)
	}
	p.line("\npublish to %s, %s, %s: %s", cmp.Or(visible(plan.Server), "a server that is not known here"), site, project, how)
	for _, source := range plan.Datasources {
		var tables []string
		for _, table := range source.Tables {
			tables = append(tables, sqlNameText(table.Schema, table.Name))
		}
		p.line("data source %s: %s", visible(source.Name), strings.Join(tables, ", "))
		if source.Reason != "" {
			p.line("  all rows are sent: %s", visible(source.Reason))
		}
	}
	writeFollowUpPlan(p, plan)
	for _, problem := range plan.Problems {
		p.marked(failedColours, "a run would not start", ": %s", problemText(problem))
	}
	for _, problem := range plan.Missing {
		p.marked(failedColours, "a run would not start here", ": %s", problemText(problem))
	}
}

// writeFollowUpPlan says what follows once the rows are published.
func writeFollowUpPlan(p *page, plan *publish.Plan) {
	for _, property := range []struct{ name, value string }{
		{"description", plan.Description}, {"tags, besides those that are there", strings.Join(plan.Tags, ", ")},
		{"certification note", plan.CertificationNote}, {"owner", plan.Owner},
	} {
		if property.value != "" {
			p.line("%s: %s", property.name, visible(property.value))
		}
	}
	if plan.Certified != nil {
		p.line("certified: %t", *plan.Certified)
	}
	for _, refresh := range plan.Refreshes {
		p.line("then refresh the %s %s", refresh.Kind, visible(refresh.Name))
	}
}

func problemText(problem publish.Problem) string {
	if problem.Hint == "" {
		return visible(problem.Message)
	}
	return visible(problem.Message + "; " + problem.Hint)
}

// writeRules names the user's rules.
func writeRules(p *page, rules []validate.Rule) {
	var names []string
	for _, rule := range rules {
		if !rule.Builtin {
			names = append(names, visible(rule.Name))
		}
	}
	if len(names) > 0 {
		p.line("%s: %s", words.Count(int64(len(names)), "rule"), strings.Join(names, ", "))
	}
}
