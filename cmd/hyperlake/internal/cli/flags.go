package cli

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/pflag"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
)

// The values of --log-format.
const (
	formatText = "text"
	formatJSON = "json"
)

// commonFlags are those that several commands know.
type commonFlags struct {
	// Of every command:
	json      bool
	quiet     bool
	logFormat string
	logLevel  string

	// Of commands that read a configuration:
	runner string
	sets   []string
	vars   []string
	target string
	date   string

	// Of commands that write a report:
	report string

	// Of commands that run a configuration:
	logValues bool
	resume    string
	dryRun    bool
	lockWait  string
	keepRuns  int

	// Of plan, too:
	reload string
	sample config.Sample
}

// addCommon adds the flags of every command.
func (f *commonFlags) addCommon(flags *pflag.FlagSet) {
	flags.BoolVar(&f.json, "json", false, "print the result as JSON on stdout")
	flags.BoolVar(&f.quiet, "quiet", false, "print nothing on stderr but the line that says what failed")
	flags.StringVar(&f.logFormat, "log-format", formatText, "text or json; on a terminal, sentences for people unless it is given")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
}

// addConfig adds the flags of commands that read a configuration.
func (f *commonFlags) addConfig(flags *pflag.FlagSet) {
	flags.StringVar(&f.runner, "runner", "", "run on this engine: direct (in this process; alias prism), flink or dataflow")
	flags.StringArrayVar(&f.sets, "set", nil, "override a value of the configuration, as `key.path=value`")
	flags.StringArrayVar(&f.vars, "var", nil, "fill ${NAME} in the configuration, as `NAME=VALUE`")
	flags.StringVar(&f.target, "target", "", "put this target of the configuration over the rest of it")
	flags.StringVar(&f.date, "date", "", "run as on this `day`, such as 2026-11-28, instead of today; it fills ${date}")
}

// addReload adds the flag of commands that compare with the last run.
func (f *commonFlags) addReload(flags *pflag.FlagSet) {
	flags.StringVar(&f.reload, "reload", "", "load the units anew for which this `condition` on their columns is true, changed or not")
}

// addSample adds the flags of commands that can try a part of a configuration.
func (f *commonFlags) addSample(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.sample.Tables, "table", nil, "to try it: make this `table` alone, in NAME.sample.hyper, and publish nothing")
	flags.Int64Var(&f.sample.Limit, "limit", 0, "to try it: read at most this `number` of rows of each table, into such an extract")
}

// addReport adds the flag of commands that write a report.
func (f *commonFlags) addReport(flags *pflag.FlagSet) {
	flags.StringVar(&f.report, "report", "", "write the report of the run to this `file`; - is stdout")
}

// newLoggers makes the loggers that the flags ask for: one for the program's own messages,
// and one for those of the engine, which pass as messages of level debug.
func (a *app) newLoggers() (own, engine *slog.Logger, err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.flags.logLevel)); err != nil {
		return nil, nil, failure.New(failure.Usage, "--log-level %q is not accepted", a.flags.logLevel).
			WithHint("use debug, info, warn or error")
	}
	w := a.stderr
	if a.flags.quiet {
		w = io.Discard
	}
	var handler slog.Handler
	switch {
	case a.forPeople && !a.flags.quiet:
		handler = peopleHandler{w: a.words, level: level, paint: a.colours}
	case a.flags.logFormat == formatText:
		handler = slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
	case a.flags.logFormat == formatJSON:
		handler = newJSONHandler(w, level)
	default:
		return nil, nil, failure.New(failure.Usage, "--log-format %q is not accepted", a.flags.logFormat).
			WithHint("use text or json")
	}
	return slog.New(handler), slog.New(demoted{handler}), nil
}

// demoted lets records of any level pass as ones of level debug: what a library calls an
// error, this program reports in its own words.
type demoted struct{ slog.Handler }

func (d demoted) Enabled(ctx context.Context, _ slog.Level) bool {
	return d.Handler.Enabled(ctx, slog.LevelDebug)
}

func (d demoted) Handle(ctx context.Context, record slog.Record) error {
	record.Level = slog.LevelDebug
	return d.Handler.Handle(ctx, record)
}

func (d demoted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return demoted{d.Handler.WithAttrs(attrs)}
}

func (d demoted) WithGroup(name string) slog.Handler { return demoted{d.Handler.WithGroup(name)} }

// load reads the configuration that the command line names, with what it overrides.
func (f *commonFlags) load(path string, values ...config.FlagValue) (*config.Config, error) {
	options, err := f.loadOptions(path, values)
	if err != nil {
		return nil, err
	}
	return f.sampled(config.Load(path, options))
}

// read reads the file that the command line names, for several configurations or more than that, and what the command line overrides.
func (f *commonFlags) read(path string, values []config.FlagValue) (*config.File, config.LoadOptions, error) {
	options, err := f.loadOptions(path, values)
	if err != nil {
		return nil, options, err
	}
	file, err := config.Read(path)
	return file, options, err
}

// sampled is a configuration that was loaded, or what of it the command line wants to try.
func (f *commonFlags) sampled(cfg *config.Config, err error) (*config.Config, error) {
	if err != nil {
		return nil, err
	}
	if f.sample.Limit < 0 {
		return nil, failure.New(failure.Usage, "--limit must be a number of rows, not %d", f.sample.Limit)
	}
	return cfg, cfg.TakeSample(f.sample)
}

// loadOptions are what the command line adds to the configuration at path, unless that is none by its name.
func (f *commonFlags) loadOptions(path string, values []config.FlagValue) (config.LoadOptions, error) {
	if err := checkConfiguration(path); err != nil {
		return config.LoadOptions{}, err
	}
	vars := map[string]string{}
	for _, assignment := range f.vars {
		name, value, ok := strings.Cut(assignment, "=")
		if !ok || name == "" {
			return config.LoadOptions{}, failure.New(failure.Usage, "--var %q is not of the form NAME=VALUE", assignment)
		}
		vars[name] = value
	}
	return config.LoadOptions{Date: f.date, Target: f.target, Sets: f.sets, Vars: vars, Runner: f.runner, Flags: values}, nil
}
