package publish

import (
	"context"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// lookTime is how long a server is asked for its version before anything is built.
const lookTime = 10 * time.Second

// askForFormat refuses a plan whose extract the server will not read. All servers in use read
// the lowest version that is chosen by itself: for that, nobody is asked. A server that does not answer
// may do so when the extract is there.
func (p *Publisher) askForFormat(ctx context.Context, plan *plan.Outline) error {
	if plan.FormatVersion <= hyper.MinVersion {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	info, err := p.client.ServerInfo(ctx)
	if err != nil {
		p.options.Log.Warn("the server does not tell whether it reads the format version; building goes on",
			"server", p.client.Address(), "format_version", int(plan.FormatVersion), "error", err)
		return nil
	}
	return p.checkFormat(plan.FormatVersion, info)
}

// checkServer refuses what the server is too old for.
func (p *Publisher) checkServer(version hyper.Version, server tableau.ServerInfo) error {
	if !p.cfg.Publish.Mode.Updates() {
		return p.checkFormat(version, server)
	}
	for _, problem := range tableau.CheckUpdates(p.client.Speaks(server)) {
		return failure.New(failure.Publish, "mode %s is not possible: %s", p.cfg.Publish.Mode, problem.Message).
			WithHint("%s", problem.Hint).BeforeData()
	}
	return p.checkFormat(version, server)
}

// checkFormat refuses an extract that the server does not read.
func (p *Publisher) checkFormat(version hyper.Version, server tableau.ServerInfo) error {
	for _, problem := range tableau.CheckFormat(int(version), server) {
		return failure.New(failure.Publish, "%s", problem.Message).WithHint("%s", problem.Hint).BeforeData()
	}
	return nil
}
