// Package notify tells people and programs how a run ended: by webhooks (Slack, Teams, plain JSON), by commands, and by pings of dead
// man's switches, which learn of starts, too.
//
// It promises that a target is told of an end once at most, and of which ends its list says; that all are told at the same time,
// within thirty seconds, or by the moment that the caller names once the program was asked to end; and that nothing of it changes
// what became of the run: what cannot be delivered is a warning in the log. A target that took a message and did not answer is sent it
// again: rather twice than never. Messages hold no values of rows, and neither messages nor warnings hold the addresses, which are
// secrets. Redirects are not followed.
//
// What the last end was that failed is remembered in the state, beside the history of runs, for failures before a run begins
// are in no history. This room knows the configuration and the report, and no other room.
package notify
