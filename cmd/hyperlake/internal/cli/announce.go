package cli

import (
	"context"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/notify"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
)

// announcement is what others learn of a command that runs or publishes a configuration, once it has ended. A command that did
// not end in time after a signal may still add to it: it is safe for concurrent use.
type announcement struct {
	mu       sync.Mutex
	notifier *notify.Notifier // nil as long as there is nothing to announce
	history  string           // the command line that shows the runs
	state    string           // the folder of the state; empty if it is not known
	report   *report.Report   // nil until it is final
}

// hold keeps the report of the command, which is final.
func (n *announcement) hold(report *report.Report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.report = report
}

const (
	// announceGrace is how long others are told after a signal.
	announceGrace = 5 * time.Second

	// endLimit is how long after a signal the last of it is over.
	endLimit = endGrace + time.Second
)

// forget makes it that of no command, as it was before the next one.
func (n *announcement) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notifier, n.report = nil, nil
}

// loadAnnounced reads the configuration of a command of which others are told how it ends: those that the configuration names,
// also if it is refused, as far as that can be read.
func (a *app) loadAnnounced(ctx context.Context, command, path string, values ...config.FlagValue) (*config.Config, error) {
	cfg, err := a.flags.load(path, values...)
	if a.flags.dryRun || !a.flags.sample.IsNone() {
		return cfg, err
	}
	var told config.Told
	if err == nil {
		told = cfg.Told()
	} else if options, err := a.flags.loadOptions(values); err == nil {
		told = config.LoadTold(path, options)
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	notifier := notify.New(told, command, a.log)
	a.announcement.mu.Lock()
	a.announcement.notifier, a.announcement.state = notifier, told.State
	a.announcement.history = shellLine(append([]string{"hyperlake", "history", path}, a.configFlags()...))
	a.announcement.mu.Unlock()
	notifier.Start(ctx)
	return cfg, err
}

// announce tells others how the command ended, after its report is final and before the last line on stderr. Nothing that
// comes of it changes the exit code.
func (a *app) announce(ctx context.Context, err error) {
	n := &a.announcement
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.notifier == nil {
		return
	}
	failed := failure.Of(err, failure.Engine)
	outcome := notify.Outcome{ExitCode: a.exitCode(failed), Failure: failed, Report: n.report, History: n.history}
	signal := syscall.Signal(a.signal.Load())
	outcome.ByHand = failed != nil && failed.Kind == failure.Interrupted && signal != syscall.SIGTERM && a.person
	if path := a.flags.report; path != "" && path != toStdout {
		if absolute, err := filepath.Abs(path); err == nil && storage.IsLocal(path) {
			path = absolute
		}
		outcome.Kept = append(outcome.Kept, path)
	}
	if n.state != "" && n.report != nil {
		outcome.Kept = append(outcome.Kept, refresh.ReportPlace(n.state, n.report.RunID))
	}
	n.notifier.End(ctx, outcome, a.lastMoment)
}

// lastMoment is when all must be over that is done after a signal, of which the time is known.
func (a *app) lastMoment() time.Time {
	limit := time.Unix(0, a.signalled.Load()).Add(endLimit)
	if soon := time.Now().Add(announceGrace); soon.Before(limit) {
		return soon
	}
	return limit
}
