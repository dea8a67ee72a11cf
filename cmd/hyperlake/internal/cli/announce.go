package cli

import (
	"context"
	"path/filepath"
	"syscall"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/notify"
	"hyperlake/pipelines/refresh"
)

// announcement is what others are told of a command that runs or publishes a configuration, besides how it ended.
type announcement struct {
	notifier *notify.Notifier
	history  string // the command line that shows the runs
	state    string // the folder of the state; empty if it is not known
}

const (
	// announceGrace is how long others are told after a signal.
	announceGrace = 5 * time.Second

	// endLimit is how long after a signal the last of it is over.
	endLimit = endGrace + time.Second
)

// loadAnnounced reads the configuration of a command of which others are told how it ends: those that the configuration names,
// also if it is refused, as far as that can be read.
func (a *app) loadAnnounced(ctx context.Context, command, path string, values ...config.FlagValue) (*config.Config, error) {
	file, options, err := a.flags.read(path, values)
	if err != nil {
		return nil, err
	}
	cfg, err := a.flags.sampled(file.Load(options))
	if a.flags.dryRun || !a.flags.sample.IsNone() {
		return cfg, err
	}
	told := file.Told(options)
	if err == nil {
		told = cfg.Told()
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	of := &announcement{notifier: notify.New(told, command, a.log), state: told.State}
	of.history = shellLine(append([]string{"hyperlake", "history", path}, a.configFlags()...))
	of.notifier.Start(ctx)
	a.announcement.Store(of)
	return cfg, err
}

// announce tells others how the command ended, if there is anybody to tell, before the last line on stderr. Nothing that
// comes of it changes the exit code.
func (a *app) announce(ctx context.Context, end ending) {
	of := a.announcement.Load()
	if of == nil {
		return
	}
	outcome := notify.Outcome{ExitCode: end.code, Failure: end.failed, Report: end.report, History: of.history}
	signal := syscall.Signal(a.signal.Load())
	outcome.ByHand = end.failed != nil && end.failed.Kind == failure.Interrupted && signal != syscall.SIGTERM && a.person
	if path := a.flags.report; path != "" && path != toStdout {
		if absolute, err := filepath.Abs(path); err == nil && storage.IsLocal(path) {
			path = absolute
		}
		outcome.Kept = append(outcome.Kept, path)
	}
	if of.state != "" && end.report != nil {
		outcome.Kept = append(outcome.Kept, refresh.ReportPlace(of.state, end.report))
	}
	of.notifier.End(ctx, outcome, a.lastMoment)
}

// lastMoment is when all must be over that is done after a signal, of which the time is known.
func (a *app) lastMoment() time.Time {
	limit := time.Unix(0, a.signalled.Load()).Add(endLimit)
	if soon := time.Now().Add(announceGrace); soon.Before(limit) {
		return soon
	}
	return limit
}
