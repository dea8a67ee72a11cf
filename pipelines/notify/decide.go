package notify

import (
	"slices"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// eventsOf are the ways in which a run ended, the one that matters most first; none of a run that a person interrupted.
func eventsOf(o Outcome, hadFailed bool) []config.NotifyEvent {
	switch {
	case o.ExitCode != 0 && o.ByHand:
		return nil
	case o.ExitCode != 0:
		return []config.NotifyEvent{config.NotifyFailure}
	}
	end := config.NotifySuccess
	switch r := o.Report; {
	case r == nil:
	case r.Status == report.Unchanged:
		end = config.NotifyUnchanged
	case r.RowsRejected()+r.IngestRejected() > 0:
		end = config.NotifyRejects
	}
	if hadFailed {
		return []config.NotifyEvent{config.NotifyRecovered, end}
	}
	return []config.NotifyEvent{end}
}

// choose is the first of the events that are told.
func choose(told, all []config.NotifyEvent) (config.NotifyEvent, bool) {
	for _, event := range all {
		if slices.Contains(told, event) {
			return event, true
		}
	}
	return "", false
}

// first is the event that matters most; of a run that a person interrupted it is a failure, to those who are told of every run.
func first(all []config.NotifyEvent) config.NotifyEvent {
	if len(all) == 0 {
		return config.NotifyFailure
	}
	return all[0]
}
