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
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
)

// app is what the commands of one invocation share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	flags          commonFlags
	log            *slog.Logger // set before a command runs, as is engineLog
	engineLog      *slog.Logger
	signal         atomic.Int32 // the signal that interrupted us, 0 for none
	tempFolder     string       // that of the user for temporary files; this process has one of its own
}

// Main runs one command line and returns the exit code of the process.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, log: slog.New(slog.DiscardHandler), tempFolder: os.TempDir()}
	removeScratch, err := scratch.Use()
	if err != nil {
		return a.finish(failure.New(failure.Storage, "make a folder for temporary files: %w", err).
			WithHint("%s", cmp.Or(storage.Hint(err), "set TMPDIR to a folder that can be written")))
	}
	defer removeScratch()
	defer hyperd.Shutdown()

	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	defer a.watchSignals(cancel)()

	root := a.rootCommand()
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		hyperd.Kill() // nobody waits for what it may be writing
		err = context.Cause(ctx)
	}
	return a.finish(err)
}

// watchSignals cancels at the first SIGINT, SIGTERM or SIGHUP. A second one ends the process
// the hard way; the guard cleans up after it. A SIGHUP that is ignored, as nohup has it, stays so.
func (a *app) watchSignals(cancel context.CancelCauseFunc) (stop func()) {
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		select {
		case sig := <-signals:
			signal.Stop(signals)
			number, _ := sig.(syscall.Signal)
			a.signal.Store(int32(number))
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
  130  interrupted (143 by SIGTERM, 129 by SIGHUP)`,
		SilenceErrors: true, // finish prints the one last line
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			var err error
			if a.log, a.engineLog, err = a.flags.newLoggers(a.stderr); err == nil {
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
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return failure.New(failure.Usage, "%w", err).WithHint("see `%s --help`", cmd.CommandPath()).BeforeData()
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	a.flags.add(root.PersistentFlags())
	root.AddCommand(
		a.runCommand(),
		a.generateCommand(),
		a.publishCommand(),
		a.planCommand(),
		a.inspectCommand(),
		a.initCommand(),
		a.mergeCommand(),
		a.defragCommand(),
		a.sqlCommand(),
		a.reportCommand(),
		a.cleanCommand(),
		a.doctorCommand(),
		a.hyperdCommand(),
		a.devCommand(),
		a.versionCommand(),
	)
	return root
}

// noCommand refuses words that are no command, with the nearest one that is.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := failure.New(failure.Usage, "unknown command %q", args[0]).BeforeData()
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return e.WithHint("did you mean `%s %s`?", cmd.CommandPath(), near[0])
	}
	return e.WithHint("see `%s --help`", cmd.CommandPath())
}
