package cli

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/publish"
)

// insteadFlags are the flags of publish that do something else than sending an extract.
type insteadFlags struct {
	followUp  bool
	revisions bool
	rollback  string
	number    int // of the revision; 0 without a rollback
}

// toPrevious is what --rollback stands for without a number.
const toPrevious = "previous"

func (f *insteadFlags) add(set *pflag.FlagSet) {
	set.BoolVar(&f.followUp, "follow-up", false, "say again what the data source is, and refresh what depends on it")
	set.BoolVar(&f.revisions, "revisions", false, "list what the server has kept of the data source")
	set.StringVar(&f.rollback, "rollback", "", "publish an earlier revision again, the one before or that of a `number`")
	set.Lookup("rollback").NoOptDefVal = toPrevious
}

func (f *insteadFlags) given() bool { return f.followUp || f.revisions || f.rollback != "" }

// read finds the number of the revision, which may be an argument of its own, and returns the other arguments.
func (f *insteadFlags) read(args []string) ([]string, error) {
	chosen := 0
	for _, given := range []bool{f.followUp, f.revisions, f.rollback != ""} {
		if given {
			chosen++
		}
	}
	if chosen > 1 {
		return nil, failure.New(failure.Usage, "--follow-up, --revisions and --rollback exclude each other").WithHint("give one of them")
	}
	if f.rollback == "" {
		return args, nil
	}
	at := slices.IndexFunc(args, func(arg string) bool { _, err := strconv.Atoi(arg); return err == nil })
	if f.rollback == toPrevious && at >= 0 {
		f.rollback = args[at]
		args = slices.Delete(slices.Clone(args), at, at+1)
	}
	if f.rollback == toPrevious {
		f.number = publish.Previous
		return args, nil
	}
	number, err := strconv.Atoi(f.rollback)
	if err != nil || number < 1 {
		return nil, failure.New(failure.Usage, "--rollback takes the number of a revision, not %q", f.rollback).
			WithHint("`hyperlake publish CONFIG --revisions` lists them")
	}
	f.number = number
	return args, nil
}

// listRevisions prints what the server has kept of the data sources.
func (a *app) listRevisions(ctx context.Context, cfg *config.Config, flags *publishFlags, args []string) error {
	all, err := pipelines.Revisions(ctx, cfg, publish.Options{Log: a.log, Command: a.commandAgain(flags, args)})
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(all)
	}
	p := a.resultPage()
	columns := []column{
		{name: "revision", number: true}, {name: "published"}, {name: "by"}, {name: "size", number: true, optional: true, minor: 1}, {name: ""},
	}
	for _, source := range all {
		var rows [][]string
		for _, each := range source.Revisions {
			row := []string{strconv.Itoa(each.Number), "", visible(each.Publisher), "", ""}
			if !each.PublishedAt.IsZero() {
				row[1] = each.PublishedAt.UTC().Format(time.DateTime) + " UTC"
			}
			if each.Bytes > 0 {
				row[3] = humanize.Bytes(uint64(each.Bytes))
			}
			if each.Current {
				row[4] = "current"
			}
			rows = append(rows, row)
		}
		p.line("data source %s", visible(source.Datasource))
		p.table(columns, rows)
	}
	return a.printPage(p)
}
