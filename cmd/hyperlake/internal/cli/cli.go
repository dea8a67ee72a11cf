// Package cli is the command line: one file for each command, the exit codes, the last
// line on stderr, progress, and logs. Results go to stdout, words to stderr.
package cli

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines"
	"hyperlake/pipelines/report"
)

// app is what the commands of one invocation share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer // made safe for terminals
	words          *screen   // what stderr is
	results        *os.File  // the terminal that stdout leads to; nil if there is none
	display        *display  // owns the terminal that stderr leads to; nil if there is none
	colours        painter   // of stderr
	resultColours  painter   // of stdout
	forPeople      bool      // somebody sits at that terminal, and wants sentences; set before a command runs
	flags          commonFlags
	log            *slog.Logger // set before a command runs, as is engineLog
	engineLog      *slog.Logger
	person         bool         // whether one is there, to whom this process speaks or listens
	identity       []any        // the run and its name, as attributes of what is logged; empty before they are known
	mayTell        atomic.Bool  // forPeople, and not to be quiet; for who watches signals
	signal         atomic.Int32 // the signal that interrupted us, 0 for none
	signalled      atomic.Int64 // when it came, in nanoseconds since 1970
	isOneOfSeveral bool         // configurations that one command runs, of which all reports are printed together
	tempFolder     string       // that of the user for temporary files; this process has one of its own

	// Of a command that runs or publishes a configuration. One that did not end in time after a signal may still set them.
	announcement atomic.Pointer[announcement]  // whom it is told to; nil as long as there is nobody
	final        atomic.Pointer[report.Report] // nil until it is final
}

// Main runs one command line and returns the exit code of the process.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, log: slog.New(slog.DiscardHandler), tempFolder: os.TempDir()}
	a.open(stdout, stderr)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	defer a.watchSignals(cancel)() // before there is anything that would stay

	removeScratch, err := scratch.Use()
	if err != nil {
		return a.finish(a.endingOf(ctx, failure.New(failure.Storage, "make a folder for temporary files: %w", err).
			WithHint("%s", cmp.Or(storage.Hint(err), "set TMPDIR to a folder that is there and can be written"))))
	}
	defer removeScratch()
	defer hyperd.Shutdown()

	root := a.rootCommand()
	root.SetArgs(args)
	err = execute(ctx, root, endGrace)
	if err != nil && ctx.Err() != nil {
		hyperd.Kill() // nobody waits for what it may be writing
	}
	end := a.endingOf(ctx, err)
	a.announce(ctx, end)
	return a.finish(end)
}

// endGrace is how long a command may take to end after a signal. One that then still waits, for
// a disk of another machine or for who reads from a pipe, cannot be interrupted.
const endGrace = 18 * time.Second

// execute runs the command to its end, or after a signal for as long as grace: what it left goes
// with the process then, as after a second signal.
func execute(ctx context.Context, root *cobra.Command, grace time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(grace):
		return context.Cause(ctx)
	}
}

// open takes the places where results and words go. Words are always for people; results are
// as they are where they do not go to a terminal.
func (a *app) open(stdout, stderr io.Writer) {
	terminal := terminalOf(stderr)
	a.colours.on = wantsColour(terminal != nil)
	if terminal != nil {
		a.display = newDisplay(terminal, func() int { return terminalWidth(terminal) })
		stderr = a.display
	}
	a.stdout, a.words = stdout, &screen{w: stderr, terminal: terminal}
	a.stderr = a.words
	stdin, _ := a.stdin.(*os.File)
	a.person = a.display != nil || stdin != nil && term.IsTerminal(int(stdin.Fd()))
	a.results = terminalOf(stdout)
	a.resultColours.on = wantsColour(a.results != nil)
	if a.results != nil {
		if a.display != nil { // the same terminal
			stdout = a.display
		}
		a.stdout = &screen{w: stdout, terminal: a.results}
	}
}

// watchSignals cancels at the first SIGINT, SIGTERM, SIGQUIT or SIGHUP. A second one ends the process
// the hard way; the guard cleans up after it. A SIGHUP that is ignored, as nohup has it, stays so.
func (a *app) watchSignals(cancel context.CancelCauseFunc) (stop func()) {
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		select {
		case sig := <-signals:
			signal.Stop(signals)
			number, _ := sig.(syscall.Signal)
			a.signalled.Store(time.Now().UnixNano())
			a.signal.Store(int32(number))
			if a.mayTell.Load() {
				_ = a.words.styled("", "interrupted: ending in order; Ctrl-C once more ends at once")
			}
			cancel(failure.New(failure.Interrupted, "interrupted by %s", sig))
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "hyperlake",
		Short: "Build Tableau .hyper extracts from a Parquet data lake",
		Long: `hyperlake builds Tableau .hyper extracts from a Parquet data lake.

Exit codes:
  0    done
  1    failed
  2    wrong usage or configuration; nothing was started
  3    the data broke a rule, check or threshold; no extract was moved into place
  4    the extract is good, but publishing failed; "hyperlake publish" repeats it
  5    another run has the lock of the output; see --lock-wait
  130  interrupted (143 by SIGTERM, 129 by SIGHUP, 131 by SIGQUIT)`,
		SilenceErrors: true, // finish prints the one last line
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.forPeople = a.display != nil && !cmd.Flags().Changed("log-format")
			a.mayTell.Store(a.forPeople && !a.flags.quiet)
			var err error
			if a.log, a.engineLog, err = a.newLoggers(); err == nil {
				slog.SetDefault(a.engineLog)
			}
			return err
		},
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(wrongFlag)
	root.Version = pipelines.Version()
	root.SetVersionTemplate("hyperlake " + releaseText() + "\n")
	root.DisableAutoGenTag = true // of manual pages, which are alike for the same program
	a.flags.addCommon(root.PersistentFlags())
	root.AddCommand(
		a.runCommand(),
		a.generateCommand(),
		a.ingestCommand(),
		a.withReport(a.withConfig(a.publishCommand())),
		a.withSample(a.withReload(a.withConfig(a.planCommand()))),
		a.withConfig(a.validateCommand()),
		a.schemaCommand(),
		a.inspectCommand(),
		a.initCommand(),
		a.mergeCommand(),
		a.defragCommand(),
		a.sqlCommand(),
		a.reportCommand(),
		a.historyCommand(),
		a.rejectsCommand(),
		a.diffCommand(),
		a.scheduleCommand(),
		a.withConfig(a.cleanCommand()),
		a.withConfig(a.doctorCommand()),
		a.withConfig(a.notifyCommand()),
		a.hyperdCommand(),
		a.devCommand(),
		a.versionCommand(),
	)
	addCompletion(root)
	return root
}

// noCommand refuses words that are no command, with the nearest one that is.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := failure.New(failure.Usage, "unknown command %q", args[0])
	var names []string
	for _, known := range cmd.Commands() {
		if known.IsAvailableCommand() {
			names = append(names, known.Name())
		}
	}
	if near, ok := words.Nearest(args[0], names); ok {
		return e.WithHint("did you mean `%s %s`?", cmd.CommandPath(), near)
	}
	return e.WithHint("see `%s --help`", cmd.CommandPath())
}

// unknownFlag matches what cobra says of a flag that the command does not have.
var unknownFlag = regexp.MustCompile(`^unknown flag: --(.+)$`)

// wrongFlag refuses a flag, with the nearest one that the command has.
func wrongFlag(cmd *cobra.Command, err error) error {
	e := failure.New(failure.Usage, "%w", err)
	if found := unknownFlag.FindStringSubmatch(err.Error()); found != nil {
		var names []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
		if near, ok := words.Nearest(found[1], names); ok {
			return e.WithHint("did you mean --%s?", near)
		}
	}
	return e.WithHint("see `%s --help`", cmd.CommandPath())
}
