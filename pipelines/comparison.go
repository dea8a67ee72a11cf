package pipelines

import (
	"context"
	"fmt"
	"strings"

	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
)

// comparison is what a run finds of the last one, and what it has to do.
type comparison struct {
	state    *refresh.State   // nil where every run makes everything
	standing *refresh.Success // whose extract stands at the output, or some of several; nil if none is known to
	decision refresh.Decision
	warning  string // of what is damaged; empty if nothing is
}

// findLast finds what the last run made. It writes nothing. Errors are of kind Storage, or Config where the state cannot be where
// it is to be.
func findLast(ctx context.Context, cfg *config.Config) (comparison, error) {
	state, err := refresh.Open(ctx, cfg.StateFolder())
	if err != nil {
		return comparison{}, err
	}
	standing, err := state.Last(func(e refresh.Extract) (bool, error) {
		return output.Stands(ctx, e.Path, e.Bytes, e.SHA256, e.Version)
	})
	return comparison{state: state, standing: standing}, err
}

// compareWithLast compares what is there now with what the last run made, which may be known. It writes nothing. Errors are those of
// findLast, or of kind Usage.
func compareWithLast(ctx context.Context, now refresh.Now, last comparison) (comparison, error) {
	if _, err := now.Reloads(); err != nil { // which is wrong whatever else is there
		return comparison{}, err
	}
	c := last
	if c.state == nil {
		var err error
		if c, err = findLast(ctx, now.Config); err != nil {
			return comparison{}, err
		}
	}
	switch {
	case c.standing != nil:
		err := c.decide(ctx, now)
		return c, err
	case c.state.Unreadable != nil:
		c.warning = fmt.Sprintf("%v: everything is made anew", c.state.Unreadable)
		c.decision = refresh.Full("what the last run made is not known")
	case !c.state.HasAny():
		c.decision = refresh.Full("nothing was made before")
	case now.Plan.MakesSeveral():
		c.decision = refresh.Full("none of the extracts that were made last is there any more")
	default:
		c.decision = refresh.Full("the extract that was made last is not there any more")
	}
	return c, nil
}

// decide says what is to be done on top of what stands there.
func (c *comparison) decide(ctx context.Context, now refresh.Now) (err error) {
	if c.decision, err = refresh.Decide(c.standing, now); err != nil || c.decision.Full {
		return err
	}
	switch gone := c.standing.Gone(); {
	case len(gone) > 0:
		c.warning = fmt.Sprintf("%s not there any more as made last, and made anew: %s",
			words.Plural(int64(len(gone)), "an extract is", "extracts are"), strings.Join(gone, ", "))
	case c.decision.IsUnchanged() && !c.hasSet(ctx, now.Config.Output):
		c.decision = refresh.Full("the list of the extracts is not there any more as it was made")
	}
	return nil
}

// stands says whether all extracts of an output are there as they were made last.
func (c comparison) stands(ctx context.Context, output config.OutputConfig) bool {
	return c.standing != nil && c.standing.Output == output.Path && len(c.standing.Gone()) == 0 && c.hasSet(ctx, output)
}

// hasSet says whether extracts that are not merged are listed beside an output, if there are such.
func (c comparison) hasSet(ctx context.Context, cfg config.OutputConfig) bool {
	if cfg.Merge != config.MergeNone {
		return true
	}
	var extracts []report.Extract
	for _, extract := range c.standing.Extracts {
		extracts = append(extracts, extract.Extract)
	}
	return output.SetStands(ctx, cfg.Path, extracts)
}

// isUnchanged says whether the extract at an output is the one that a run would make.
func (c comparison) isUnchanged(output string) bool {
	return c.standing != nil && c.decision.IsUnchanged() && c.standing.Output == output
}

// patches says whether the extract is made of the last one.
func (c comparison) patches() bool { return c.standing != nil && !c.decision.Full }

// account is what a comparison says of what has to be made anew. If nothing is, there need not be a plan.
func (c comparison) account(now refresh.Now) *report.RefreshAccount {
	account := &report.RefreshAccount{Mode: report.RefreshChanged, Reason: c.decision.Reason}
	account.UnitsChanged, account.Units = c.decision.Changed(now.Plan)
	if !c.decision.IsUnchanged() {
		part := now.Plan
		if !c.decision.Full {
			part = now.Plan.Only(c.decision.Wants)
		}
		account.RowsRead = part.Rows()
		for _, table := range part.Tables {
			account.BytesRead += table.BytesToRead()
		}
	}
	for _, table := range c.decision.Tables {
		if table.Whole {
			account.Tables = append(account.Tables, table.Reason)
		}
	}
	if last := c.standing; last != nil {
		account.Before = &report.RunBefore{RunID: last.RunID, Finished: last.Finished, RowsLoaded: last.Rows(), RowsRejected: last.Rejected()}
	}
	switch {
	case c.decision.Full:
		account.Mode = report.RefreshFull
	case c.isUnchanged(now.Config.Output.Path):
		account.Mode = report.RefreshUnchanged
	case now.Plan.SplitsTables():
		account.Extracts = &report.ExtractsRemade{Made: c.decision.Made(now.Plan), Stay: len(c.decision.Stay())}
	}
	return account
}
