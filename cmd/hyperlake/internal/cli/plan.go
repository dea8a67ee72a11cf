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

It reads no more than the footers of the files, asks no server, and writes nothing. hyperd is
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
			show := func() error { return a.printText(planText(plan)) }
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
	if err != nil {
		return nil, err
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

// writeRefresh says what would be made anew.
func writeRefresh(b *strings.Builder, plan *pipelines.Preview) {
	r, stays := plan.Refresh, "the extract would stay"
	if plan.MakesSeveral() {
		stays = "the extracts would stay"
	}
	switch {
	case r == nil:
	case r.Mode == report.RefreshUnchanged:
		fmt.Fprintf(b, "nothing changed since run %s: %s\n", visible(r.Before.RunID), stays)
	case r.Mode == report.RefreshFull:
		fmt.Fprintf(b, "everything would be made anew: %s\n", visible(r.Reason))
	default:
		fmt.Fprintf(b, "%d of %s changed since run %s: %s would be read\n", r.UnitsChanged, words.Count(int64(r.Units), "unit"),
			visible(r.Before.RunID), words.Count(r.RowsRead, "row"))
		if e := r.Extracts; e != nil {
			fmt.Fprintf(b, "%s would be made anew%s, %s\n", words.Plural(int64(len(e.Made)), "1 extract", "extracts"), namesText(e.Made),
				words.Plural(int64(e.Stay), "1 stays", "stay"))
		}
		for _, reason := range r.Tables {
			fmt.Fprintf(b, "a table would be made anew: %s\n", visible(reason))
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

// planText is a plan for people.
func planText(plan *pipelines.Preview) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s in %s\n", visible(plan.Name), words.Count(int64(len(plan.Tables)), "table"), visible(plan.Output))
	fmt.Fprintf(&b, "format version %d: %s\n", plan.FormatVersion, visible(plan.FormatReason))
	fmt.Fprintln(&b, words.Count(int64(plan.Shards), "shard"))
	writeRefresh(&b, plan)
	if plan.Merge == config.MergeNone {
		fmt.Fprintln(&b, "no merge: every partial stays an extract of its own, numbered, as in NAME-00001-of-00008.hyper")
	}
	for _, table := range plan.Tables {
		writeTablePlan(&b, table)
		writeWhere(&b, table)
		writeReaders(&b, table)
		writeRules(&b, table.Rules)
		writeRepartition(&b, table.Repartition)
		for _, note := range table.LeftOut {
			fmt.Fprintf(&b, "left out: %s\n", visible(note))
		}
		for _, note := range table.Drift {
			fmt.Fprintf(&b, "drift: %s\n", visible(note))
		}
	}
	writePublishPlan(&b, plan.Publish)
	if len(plan.Warnings) > 0 {
		fmt.Fprintln(&b)
	}
	for _, warning := range plan.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", visible(warning))
	}
	return b.String()
}

func writeTablePlan(b *strings.Builder, table *plan.TablePlan) {
	fmt.Fprintf(b, "\n%s: %s, %s, %s, %s\n", sqlNameText(table.Schema, table.Name),
		words.Count(int64(table.Files), "file"), words.Count(int64(table.RowGroups), "row group"),
		words.Count(table.Rows, "row"), size(table.Bytes))
	if table.Source != nil {
		fmt.Fprintln(b, visible(table.Source.String()))
	}
	if table.RowsDeleted > 0 {
		fmt.Fprintf(b, "%s of these files are deleted\n", words.Count(table.RowsDeleted, "row"))
	}
	if table.DeleteFiles > 0 {
		files := words.Count(int64(table.DeleteFiles), "delete file")
		fmt.Fprintf(b, "the rows of %s are left out as they are read, and not counted before\n", files)
	}
	headings := []column{
		{name: "column"}, {name: "source type"}, {name: "in the extract", optional: true}, {name: "SQL type"}, {name: "nullable"},
		{name: "conversion", optional: true},
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
	fmt.Fprintln(b, renderTable(headings, rows, true))
}

// writeWhere says which part of the files is read, and why.
func writeWhere(b *strings.Builder, table *plan.TablePlan) {
	if len(table.Partitions) > 0 {
		var names []string
		for _, name := range table.Partitions {
			names = append(names, visible(name))
		}
		from := "from the names of folders"
		if table.Source != nil {
			from = "partition columns"
		}
		fmt.Fprintf(b, "%s: %s\n", from, strings.Join(names, ", "))
	}
	if table.Where != "" {
		fmt.Fprintf(b, "where %s\n", visible(table.Where))
	}
	if table.Window != "" {
		fmt.Fprintf(b, "window: %s\n", visible(table.Window))
	}
	if table.Where != "" || table.Window != "" {
		pruned := table.Pruned
		fmt.Fprintf(b, "not read for that: %d of %s, %d of %s, %s, %s\n",
			pruned.Files, words.Count(int64(table.Files), "file"), pruned.RowGroups, words.Count(int64(table.RowGroups), "row group"),
			words.Count(pruned.Rows, "row"), size(pruned.Bytes))
	}
	for _, part := range table.RowByRow {
		fmt.Fprintf(b, "evaluated for one row after the other: %s\n", visible(part))
	}
}

// writeReaders says which files hyperd reads itself, and why not the others.
func writeReaders(b *strings.Builder, table *plan.TablePlan) {
	fmt.Fprintf(b, "hyperd reads %d of %s itself\n", table.Deferred, words.Count(int64(table.Files), "file"))
	for _, reason := range table.Materialised {
		fmt.Fprintf(b, "not read by hyperd: %s\n", visible(reason))
	}
}

// writeRepartition says where rows go and how they are sorted.
func writeRepartition(b *strings.Builder, repartition *plan.RepartitionPlan) {
	if repartition == nil {
		return
	}
	for _, note := range repartition.Notes {
		fmt.Fprintf(b, "repartition: %s\n", visible(note))
	}
}

// writePublishPlan says where the extract goes, and what is wrong with that.
func writePublishPlan(b *strings.Builder, plan *publish.Plan) {
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
	fmt.Fprintf(b, "\npublish to %s, %s, %s: mode %s",
		cmp.Or(visible(plan.Server), "a server that is not known here"), site, project, plan.Mode)
	if len(plan.Match) > 0 {
		fmt.Fprintf(b, " by %s", visible(strings.Join(plan.Match, ", ")))
	}
	if plan.IfChanged {
		fmt.Fprint(b, ", if the rows changed")
	}
	if plan.OnBusy != config.BusyWait {
		fmt.Fprintf(b, ", %s while others are changing it", plan.OnBusy)
	}
	fmt.Fprintln(b)
	for _, source := range plan.Datasources {
		var tables []string
		for _, table := range source.Tables {
			tables = append(tables, sqlNameText(table.Schema, table.Name))
		}
		fmt.Fprintf(b, "data source %s: %s\n", visible(source.Name), strings.Join(tables, ", "))
		if source.Reason != "" {
			fmt.Fprintf(b, "  all rows are sent: %s\n", visible(source.Reason))
		}
	}
	writeFollowUpPlan(b, plan)
	for _, problem := range plan.Problems {
		fmt.Fprintf(b, "a run would not start: %s\n", problemText(problem))
	}
	for _, problem := range plan.Missing {
		fmt.Fprintf(b, "a run would not start here: %s\n", problemText(problem))
	}
}

// writeFollowUpPlan says what follows once the rows are published.
func writeFollowUpPlan(b *strings.Builder, plan *publish.Plan) {
	for _, property := range []struct{ name, value string }{
		{"description", plan.Description}, {"tags, besides those that are there", strings.Join(plan.Tags, ", ")},
		{"certification note", plan.CertificationNote}, {"owner", plan.Owner},
	} {
		if property.value != "" {
			fmt.Fprintf(b, "%s: %s\n", property.name, visible(property.value))
		}
	}
	if plan.Certified != nil {
		fmt.Fprintf(b, "certified: %t\n", *plan.Certified)
	}
	for _, refresh := range plan.Refreshes {
		fmt.Fprintf(b, "then refresh the %s %s\n", refresh.Kind, visible(refresh.Name))
	}
}

func problemText(problem publish.Problem) string {
	if problem.Hint == "" {
		return visible(problem.Message)
	}
	return visible(problem.Message + "; " + problem.Hint)
}

// writeRules names the user's rules.
func writeRules(b *strings.Builder, rules []validate.Rule) {
	var names []string
	for _, rule := range rules {
		if !rule.Builtin {
			names = append(names, visible(rule.Name))
		}
	}
	if len(names) > 0 {
		fmt.Fprintf(b, "%s: %s\n", words.Count(int64(len(names)), "rule"), strings.Join(names, ", "))
	}
}
