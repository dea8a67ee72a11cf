package cli

import (
	"context"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/notify"
)

func (a *app) notifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "notify CONFIG",
		Short: "Send a test message to everybody whom runs of a configuration tell how they end",
		Long: `Send a test message to every webhook and command of the section notify of a configuration, whatever
ends of runs they ask for. Dead man's switches are left alone: they would take it for a run.

The exit code is 1 if one could not be told.`,
		Example: "  hyperlake notify lineitem.yaml",
		Args:    exactly(1, "a configuration file"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.testNotify(cmd.Context(), args[0]) },
	}
}

// tried is what notify prints for programs of one target.
type tried struct {
	Target string `json:"target"`
	Sent   bool   `json:"sent"`
	Error  string `json:"error,omitempty"`
}

func (a *app) testNotify(ctx context.Context, path string) error {
	cfg, err := a.flags.load(path)
	if err != nil {
		return err
	}
	var listing []tried
	text, failed := "", 0
	for _, target := range notify.New(cfg.Told(), "notify", a.log).Try(ctx) {
		one, line := tried{Target: target.Target, Sent: target.Err == nil}, "sent     "+visible(target.Target)+"\n"
		if target.Err != nil {
			failed++
			one.Error = failure.Of(target.Err, failure.Config).Sentence()
			line = "failed   " + visible(target.Target) + ": " + words.OneLine(visible(one.Error)) + "\n"
		}
		listing, text = append(listing, one), text+line
	}
	if len(listing) == 0 {
		return failure.New(failure.Config, "%s names nobody in its section notify who could be sent a message", path).
			WithHint("add an entry with url_env or command; see docs/notify.md")
	}
	show := func() error { return a.printText(text) }
	if a.flags.json {
		show = func() error { return a.printJSON(listing) }
	}
	if err := show(); err != nil {
		return err
	}
	if failed > 0 {
		return failure.New(failure.Engine, "%d of %s could not be told", failed, words.Count(int64(len(listing)), "target")).
			WithHint("do what stands there, and try again")
	}
	return ctx.Err()
}
