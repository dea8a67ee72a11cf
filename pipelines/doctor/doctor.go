package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
)

// Check is one thing that runs depend on.
type Check struct {
	Name string // such as staging

	// Run says in a few words what was found. Its errors are failures with a hint.
	Run func(ctx context.Context) (found string, err error)
}

// FindingStatus says how a check ended.
type FindingStatus string

// How a check ends.
const (
	CheckOK      FindingStatus = "ok"
	CheckWarning FindingStatus = "warning" // it works, but perhaps not as it is meant
	CheckFailed  FindingStatus = "failed"
)

// Finding is what a check found.
type Finding struct {
	Check  string        `json:"check"`
	Status FindingStatus `json:"status"`
	Found  string        `json:"found"`          // in words; no secret stands in it
	Hint   string        `json:"hint,omitempty"` // what to do; never for ok
}

// doctor looks at what runs of a configuration depend on.
type doctor struct {
	cfg     *config.Config
	surveys []func(ctx context.Context) (*plan.Survey, error) // of the tables; each source is looked at once
}

// Checks are what runs of a configuration depend on besides their engine; of none (nil),
// what all runs on this machine depend on. They leave nothing behind. makePlan makes the plan of a run
// and says what it is.
func Checks(cfg *config.Config, makePlan func(ctx context.Context) (found string, err error)) []Check {
	if cfg == nil {
		return doctor{cfg: &config.Config{}}.machineChecks()
	}
	d := doctor{cfg: cfg}
	for _, table := range cfg.Tables {
		d.surveys = append(d.surveys, lookOnce(table.Source))
	}
	checks := d.machineChecks()
	if !cfg.IngestsOnly() {
		checks = append(checks, Check{"staging", d.checkStagingFolder}, Check{"output", d.checkOutputFolder})
	}
	for i := range cfg.Tables {
		checks = append(checks, d.sourceCheck(i))
	}
	checks = append(checks, Check{"plan", makePlan})
	if cfg.Metrics.TextFile != "" {
		checks = append(checks, Check{"metrics", d.checkMetricsFolder})
	}
	if cfg.Publish != nil {
		checks = append(checks, Check{"publish", d.checkServer})
	}
	if len(cfg.Notify) > 0 {
		checks = append(checks, Check{"notify", d.checkNotify})
	}
	return checks
}

const (
	// checkTime bounds each check.
	checkTime = 10 * time.Second

	// checkGrace is for checks to say what they were waiting for when the time was over.
	checkGrace = time.Second
)

// Diagnose runs checks, all at the same time, and returns what they found in the order of
// the checks. Each has ten seconds; one that does not answer has failed, and is left alone.
func Diagnose(ctx context.Context, checks []Check) []Finding {
	findings := make([]Finding, len(checks))
	var running sync.WaitGroup
	for i, check := range checks {
		running.Go(func() { findings[i] = check.diagnose(ctx, checkTime, checkGrace) })
	}
	running.Wait()
	return findings
}

func (c Check) diagnose(ctx context.Context, limit, grace time.Duration) Finding {
	late := failure.New(failure.Engine, "no answer within %s", limit).
		WithHint("see whether the network, or a disk that is mounted over it, hangs")
	within, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	finding := Finding{Check: c.Name}
	answered := make(chan error, 1)
	found := ""
	go func() {
		var err error
		found, err = c.Run(within)
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != nil && ctx.Err() == nil && within.Err() != nil {
			inner := failure.Of(err, failure.Engine)
			err = failure.New(inner.Kind, "%s: %w", late.Message, err).WithHint("%s", cmp.Or(inner.Hint, late.Hint))
		}
		finding.judge(found, err)
	case <-time.After(limit + grace):
		finding.judge("", late)
	}
	return finding
}

func (f *Finding) judge(found string, err error) {
	var warned *cautionError
	switch {
	case err == nil:
		f.Status, f.Found = CheckOK, found
	case errors.As(err, &warned):
		f.Status, f.Found, f.Hint = CheckWarning, warned.found, warned.hint
	default:
		failed := failure.Of(err, failure.Engine)
		f.Status, f.Found, f.Hint = CheckFailed, failed.Message, failed.Hint
		if more := len(failed.More); more > 0 {
			f.Found += fmt.Sprintf(" (and %s, which `hyperlake plan` lists)", words.Count(int64(more), "more problem"))
		}
	}
}

// cautionError is that of a check which found what works, but perhaps not as it is meant.
type cautionError struct{ found, hint string }

func (e *cautionError) Error() string { return e.found }

// Caution is the error of a check that found what works, but perhaps not as it is meant.
func Caution(hint, found string) error { return caution(hint, "%s", found) }

func caution(hint, format string, args ...any) error {
	return &cautionError{fmt.Sprintf(format, args...), hint}
}
