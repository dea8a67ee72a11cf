package pipelines

import (
	"context"
	"fmt"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
)

// comparison is what a run finds of the last one, and what it has to do.
type comparison struct {
	state    *refresh.State   // nil where every run makes everything
	standing *refresh.Success // whose extract stands at the output; nil if none is known to
	decision refresh.Decision
	warning  string // of what is damaged; empty if nothing is
}

// compareWithLast compares what is there now with what the last run made. It writes nothing. Errors are of kind Storage, Usage, or Config
// where the state cannot be where it is to be.
func compareWithLast(ctx context.Context, now refresh.Now) (comparison, error) {
	if _, err := now.Reloads(); err != nil { // which is wrong whatever else is there
		return comparison{}, err
	}
	if now.Plan.SplitsTables() || now.Config.Output.Merge == config.MergeNone {
		return comparison{decision: refresh.Full("there are several extracts")}, nil
	}
	state, err := refresh.Open(ctx, now.Config.StateFolder())
	if err != nil {
		return comparison{}, err
	}
	c := comparison{state: state}
	c.standing, err = state.Last(func(e refresh.Extract) (bool, error) {
		return output.Stands(ctx, e.Path, e.Bytes, e.SHA256, e.Version)
	})
	switch {
	case err != nil:
		return comparison{}, err
	case c.standing != nil:
		c.decision, err = refresh.Decide(c.standing, now)
		return c, err
	case state.Unreadable != nil:
		c.warning = fmt.Sprintf("%v: everything is made anew", state.Unreadable)
		c.decision = refresh.Full("what the last run made is not known")
	case !state.HasAny():
		c.decision = refresh.Full("nothing was made before")
	default:
		c.decision = refresh.Full("the extract that was made last is not there any more")
	}
	return c, nil
}

// isUnchanged says whether the extract at an output is the one that a run would make.
func (c comparison) isUnchanged(output string) bool {
	return c.standing != nil && c.decision.IsUnchanged() && c.standing.Extract.Path == output
}

// patches says whether the extract is made of the last one.
func (c comparison) patches() bool { return c.standing != nil && !c.decision.Full }

// account is what a comparison says of what has to be made anew.
func (c comparison) account(now refresh.Now) *report.RefreshAccount {
	part := now.Plan
	if !c.decision.Full {
		part = now.Plan.Only(c.decision.Wants)
	}
	changed, units := c.decision.Changed(now.Plan)
	account := &report.RefreshAccount{
		Mode: report.RefreshChanged, Reason: c.decision.Reason, UnitsChanged: changed, Units: units, RowsRead: part.Rows(),
	}
	for _, table := range part.Tables {
		account.BytesRead += table.BytesToRead()
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
	}
	return account
}
