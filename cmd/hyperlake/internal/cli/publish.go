package cli

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
)

// publishFlags are the flags of publish. Those with a key stand for it.
type publishFlags struct {
	set     *pflag.FlagSet
	match   []string
	tags    []string
	force   bool
	applied bool
	missing bool
	instead insteadFlags
}

// publishKeys are the flags that are values of the configuration, in the order in which they are applied.
var publishKeys = []struct{ flag, usage string }{
	{"server", "address of the server, such as `https://…`"},
	{"site", "contentUrl of the `site`"},
	{"project", `path of the project, such as Sales/Nightly; write \/ for a slash inside of a name`},
	{"project-id", "`id` of the project, instead of its path; also below projects that the user cannot see"},
	{"datasource", "`name` of the data source"},
	{"mode", "create, overwrite, append, replace, insert, update, upsert, delete or sync"},
	{"confirm", "find out what became of what was not answered: none, or `download` the data source and compare rows"},
	{"as-job", "publish in the background: auto, true or false"},
	{"ca-file", "PEM `file` of certificate authorities to trust"},
	{"chunk-bytes", "the most `bytes` of a file in one request, such as 32m; larger files are sent in parts"},
	{"timeout", "`time` after which publishing is given up, such as 2h"},
	{"on-busy", "while somebody else is changing the data source: wait, skip or fail"},
	{"description", "`text` that describes the data source"},
	{"certification-note", "`text` that says why it is certified"},
	{"owner", "name of the `user` who is to own the data source"},
}

// publishSwitches are those that are true or false.
var publishSwitches = []struct{ flag, usage string }{
	{"create-project", "make the projects of the path that are missing"},
	{"allow-http", "permit a server without TLS"},
	{"if-changed", "leave a data source alone to which the same rows were published last"},
	{"certified", "certify the data source; =false takes that back"},
}

func (a *app) publishCommand() *cobra.Command { return a.publishCommandOf(&publishFlags{}) }

// publishCommandOf reads its flags into flags.
func (a *app) publishCommandOf(flags *publishFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish [CONFIG] [FILE.hyper]",
		Short: "Publish an extract that exists",
		Long: `Publish an extract that exists: that of a configuration (output.path), or FILE.hyper, as the
configuration or the flags say. Flags win over the configuration, which wins over the
environment.

Credentials come from the environment alone: tab_pat_name and tab_secret_id, or
tab_pat_name_FILE and tab_secret_id_FILE that name files. So may tab_site_url (the server),
tab_site_id (the site) and tab_api_version.

What was published stands in a ledger in the state of the configuration and in that of the
user. Rows that were added to a data source (append, insert) are not added again without
--force. Where nobody knows whether rows that were sent are there, look at the data source and
say --applied or --missing, or have --confirm download find out.

--revisions, --rollback and --follow-up send no extract, which need not exist.`,
		Example: `  hyperlake publish lineitem.yaml
  hyperlake publish lineitem.hyper --project Sales/Nightly --datasource "Line items" --mode append
  hyperlake publish lineitem.yaml --rollback`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.publish(cmd.Context(), flags, args) },
	}
	flags.set = cmd.Flags()
	for _, key := range publishKeys {
		flags.set.String(key.flag, "", key.usage)
	}
	flags.set.StringSliceVar(&flags.match, "match", nil, "`columns` that identify a row, for update, upsert and delete")
	for _, key := range publishSwitches {
		flags.set.Bool(key.flag, false, key.usage)
	}
	flags.set.StringSliceVar(&flags.tags, "tags", nil, "`tags` to add to the data source")
	flags.set.StringVar(&a.flags.lockWait, "lock-wait", "0s", "wait this `time`, such as 30m, for others that publish with the same ledger")
	flags.instead.add(flags.set)
	flags.set.BoolVar(&flags.force, "force", false, "publish all, even what was published before")
	flags.set.BoolVar(&flags.applied, "applied", false, "you looked: the rows of which nobody knew are in the data source")
	flags.set.BoolVar(&flags.missing, "missing", false, "you looked: they are not, send them")
	cmd.MarkFlagsMutuallyExclusive("force", "applied", "missing")
	return cmd
}

// values are the flags that were given, as values of a configuration.
func (f *publishFlags) values() ([]config.FlagValue, error) {
	var values []config.FlagValue
	add := func(flag, value string) {
		values = append(values, config.FlagValue{Flag: "--" + flag, Key: "publish." + strings.ReplaceAll(flag, "-", "_"), Value: value})
	}
	for _, pair := range [][2]string{{"project", "project-id"}, {"project-id", "project"}, {"project-id", "create-project"}} {
		if f.set.Changed(pair[0]) && !f.set.Changed(pair[1]) {
			add(pair[1], "") // what the configuration says gives way
		}
	}
	if mode := f.set.Lookup("mode"); mode.Changed { // so do the keys that have no meaning in this mode
		named := config.PublishMode(mode.Value.String())
		if !named.Updates() {
			add("target", "")
		}
		if !named.Matches() && !f.set.Changed("match") {
			add("match", "")
		}
	}
	for _, key := range publishKeys {
		if f.set.Changed(key.flag) {
			add(key.flag, strconv.Quote(f.set.Lookup(key.flag).Value.String()))
		}
	}
	for _, key := range publishSwitches {
		if f.set.Changed(key.flag) {
			add(key.flag, f.set.Lookup(key.flag).Value.String())
		}
	}
	for _, list := range f.lists() {
		if f.set.Changed(list.flag) {
			text, err := json.Marshal(list.values)
			if err != nil {
				return nil, err
			}
			add(list.flag, string(text))
		}
	}
	return values, nil
}

// listFlag is a flag that is a list of the configuration.
type listFlag struct {
	flag   string
	values []string
}

func (f *publishFlags) lists() []listFlag { return []listFlag{{"match", f.match}, {"tags", f.tags}} }

func (a *app) publish(ctx context.Context, flags *publishFlags, args []string) error {
	args, err := flags.instead.read(args)
	if err != nil {
		return err
	}
	lockWait, err := flagSpan("--lock-wait", a.flags.lockWait)
	if err != nil {
		return err
	}
	waitUntil := time.Now().Add(lockWait)
	cfg, err := a.publishConfig(ctx, flags, args)
	if err != nil {
		return err
	}
	if flags.instead.revisions {
		return a.listRevisions(ctx, cfg, flags, args)
	}
	id, err := a.identify(cfg.Name)
	if err != nil {
		return err
	}
	if flags.instead.given() {
		cfg.Metrics.TextFile = "" // which is about runs, and what repeats their last stage
	}
	ctx, watched := a.watch(ctx, commandPublish, id, cfg, nil)
	err = a.publishLoaded(ctx, cfg, id, waitUntil, flags, args)
	a.endWatch(ctx, watched, a.endingOf(ctx, err))
	return err
}

// publishLoaded publishes what a configuration says. Others that publish with the same ledger are waited for until a time.
func (a *app) publishLoaded(
	ctx context.Context, cfg *config.Config, id string, waitUntil time.Time, flags *publishFlags, args []string,
) error {
	if storage.IsLocal(cfg.Output.Path) && cfg.Output.Merge != config.MergeNone && !flags.instead.given() {
		if err := checkHyperFile(cfg.Output.Path); err != nil {
			return err
		}
	}
	if err := a.checkReportPlace(ctx); err != nil {
		return err
	}
	meter, again := a.newMeter(), a.commandAgain(flags, args)
	record, err := pipelines.Publish(ctx, cfg, publish.Options{
		ID: id, Log: a.log, Progress: meter.show, Force: flags.force, Answer: flags.answer(),
		FollowUp: flags.instead.followUp, RollBack: flags.instead.number, Command: again, WaitUntil: waitUntil,
	})
	meter.close()
	if failed := failure.Of(err, failure.Engine); failed != nil && failed.Kind == failure.Hyperd {
		err = explainHyperd(err, cfg.Output.Path)
	}
	if a.logsFields() {
		a.logPublished(record.Publish)
	} else {
		a.sayPublished(record.Publish)
	}
	return a.endWithReport(ctx, record, afterInterrupt(err, record, again))
}

// answer is what somebody who looked says.
func (f *publishFlags) answer() publish.Answer {
	switch {
	case f.applied:
		return publish.Applied
	case f.missing:
		return publish.Missing
	}
	return publish.NoAnswer
}

// publishConfig makes the configuration of what the command line names.
func (a *app) publishConfig(ctx context.Context, flags *publishFlags, args []string) (*config.Config, error) {
	values, err := flags.values()
	if err != nil {
		return nil, err
	}
	var path, file string
	for _, arg := range args {
		switch place := &path; {
		case strings.EqualFold(filepath.Ext(arg), hyperExtension):
			place = &file
			fallthrough
		default:
			if *place != "" {
				return nil, failure.New(failure.Usage, "%s and %s are of the same kind", *place, arg).
					WithHint("name a configuration, a .hyper file, or one of each")
			}
			*place = arg
		}
	}
	if len(args) == 0 {
		return nil, failure.New(failure.Usage, "publish takes a configuration, a .hyper file, or both").
			WithHint("usage: hyperlake publish [CONFIG] [FILE.hyper]")
	}
	if path == "" {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		absolute, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		return config.LoadFile(absolute, name, config.LoadOptions{Sets: a.flags.sets, Flags: values})
	}
	load := func() (*config.Config, error) { return a.loadAnnounced(ctx, "publish", path, values...) }
	if flags.instead.revisions { // which only looks
		load = func() (*config.Config, error) { return a.flags.load(path, values...) }
	}
	cfg, err := load()
	if err != nil {
		return nil, err
	}
	if cfg.Publish == nil {
		return nil, failure.New(failure.Config, "%s has no section publish", path).
			WithHint("add one, or give --datasource and other flags")
	}
	if file != "" {
		if cfg.Output.Path, err = filepath.Abs(file); err != nil {
			return nil, err
		}
		cfg.Output.Merge = config.MergeAuto // this one file is sent
	}
	if flags.instead.given() && flags.set.Changed("datasource") {
		cfg.Tables = nil // that one is meant, and none that tables have of their own
	}
	return cfg, nil
}

// sayPublished tells people what became of the data sources.
func (a *app) sayPublished(record *report.Publishing) {
	if record == nil {
		return
	}
	for _, source := range append([]*report.Publishing{record}, record.Others...) {
		name := visible(strings.TrimPrefix(source.Project+"/"+source.Datasource, "/"))
		switch {
		case source.Outcome == "published" && source.RolledBackTo > 0:
			a.sayStatus(goodColours, "rolled back", ": %s on %s has the content of revision %d again", name,
				visible(source.Server), source.RolledBackTo)
		case source.Outcome == "published":
			a.sayStatus(goodColours, "published", ": %s on %s (mode %s, %s, %s sent, %.1f s)", name, visible(source.Server), source.Mode,
				words.Count(source.Rows, "row"), humanize.Bytes(uint64(source.Bytes)), source.Seconds)
			a.saySynced(source)
		case source.Outcome == "unchanged":
			a.sayStatus(goodColours, "unchanged", ": %s on %s has these rows already", name, visible(source.Server))
		case source.Outcome == "skipped":
			a.sayStatus(warningColours, "skipped", ": %s on %s, which somebody else is changing", name, visible(source.Server))
		case source.Outcome == "followed_up":
			a.sayStatus(goodColours, "followed up", ": %s on %s", name, visible(source.Server))
		default:
			a.sayStatus(failedColours, "not published", ": %s on %s (outcome: %s)", name, visible(source.Server), source.Outcome)
		}
		a.sayFollowed(source)
	}
}

// saySynced tells people what mode sync sent.
func (a *app) saySynced(source *report.Publishing) {
	switch {
	case source.Reason != "":
		a.say("  all rows were sent: %s", visible(source.Reason))
	case source.Mode.Syncs():
		a.say("  %s of %s changed", humanize.Comma(int64(source.UnitsChanged)), words.Count(int64(source.Units), "unit"))
	}
}

// sayFollowed tells people what followed the rows.
func (a *app) sayFollowed(source *report.Publishing) {
	if len(source.PropertiesChanged) > 0 {
		a.say("  changed: %s", strings.Join(source.PropertiesChanged, ", "))
	}
	for _, refresh := range source.Refreshed {
		job := "job " + refresh.JobID
		if refresh.JobID == "" {
			job = "the same waits for its turn already"
		}
		a.say("  refreshed: %s %s (%s)", refresh.Kind, visible(refresh.Name), job)
	}
}
