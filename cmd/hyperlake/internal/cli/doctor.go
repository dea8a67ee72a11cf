package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines"
	"hyperlake/pipelines/doctor"
	"hyperlake/runners"
)

// doctorListing is what doctor prints for programs.
type doctorListing struct {
	Checks []doctor.Finding `json:"checks"`
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor [CONFIG]",
		Short: "Check what runs depend on, and say what to do",
		Long: `Check hyperd, the spool and the memory of this machine, and for a configuration also staging,
the folder of the output, the files of the source, the engine, and the server that it
publishes to: with the credentials of this environment, and with small files that are written
and removed again. Nothing is built, sent or kept.

Every check has ten seconds. The exit code is 1 if one has failed; warnings do not count.
Signing in with a personal access token ends the session of a run that publishes with it,
which then signs in anew.`,
		Example: "  hyperlake doctor lineitem.yaml --runner flink",
		Args:    atMostOne("configuration file"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.doctor(cmd.Context(), args) },
	}
}

func (a *app) doctor(ctx context.Context, args []string) error {
	checks, err := a.doctorChecks(args)
	if err != nil {
		return err
	}
	findings, _ := during(a, "check", "", func() ([]doctor.Finding, error) { return doctor.Diagnose(ctx, checks), nil })
	show := func() error { return a.printPage(findingsPage(a.resultPage(), findings)) }
	if a.flags.json {
		show = func() error { return a.printJSON(doctorListing{findings}) }
	}
	if err := show(); err != nil {
		return err
	}
	var failed []string
	for _, finding := range findings {
		if finding.Status == doctor.CheckFailed {
			failed = append(failed, finding.Check)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return failure.New(failure.Engine, "%d of %s failed: %s",
		len(failed), words.Count(int64(len(findings)), "check"), strings.Join(failed, ", ")).
		WithHint("do what stands below each, and check again")
}

// doctorChecks are those of the configuration, if there is one, and of its engine.
func (a *app) doctorChecks(args []string) ([]doctor.Check, error) {
	if len(args) == 0 {
		return pipelines.Diagnosis(nil), nil
	}
	cfg, err := a.flags.load(args[0])
	if err != nil {
		return nil, err
	}
	runner, err := runners.New(a.runnerOptions(cfg.Name, cfg.Runner, "doctor", nil))
	if err != nil {
		return nil, err
	}
	checks := pipelines.Diagnosis(cfg)
	for _, check := range runner.Checks() {
		checks = append(checks, doctor.Check{Name: runner.Name() + ": " + check.Name, Run: func(ctx context.Context) (string, error) {
			found, err := check.Run(ctx)
			if caution := (*runners.CautionError)(nil); errors.As(err, &caution) {
				err = doctor.Caution(caution.Hint, caution.Found)
			}
			return found, err
		}})
	}
	return checks, nil
}

// findingsPage lists findings for people, with what to do below what is wrong.
func findingsPage(p *page, findings []doctor.Finding) *page {
	for _, finding := range findings {
		status := string(finding.Status)
		p.marked(statusColours(status), fmt.Sprintf("%-8s", visible(status)), " %s: %s", visible(finding.Check),
			words.OneLine(visible(finding.Found)))
		if finding.Hint != "" {
			p.line("         → %s", words.OneLine(visible(finding.Hint)))
		}
	}
	return p
}
