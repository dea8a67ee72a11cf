package runners

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"

	"hyperlake/internal/failure"
)

// JobRun is what an engine tells of a job.
type JobRun struct {
	ID       string // on the engine
	Attempts []Attempt
}

// Attempt is one try of the engine at a whole job.
type Attempt struct {
	Ended  time.Time
	Reason string // why it failed; empty for one that did not
}

// account tells how often Flink started a job, as far as it remembers.
func (f flinkEngine) account(ctx context.Context, jobID string) (JobRun, error) {
	job, err := f.rest().find(ctx, nameOnFlink(jobID))
	if err != nil {
		return JobRun{}, err
	}
	run := JobRun{ID: job.ID}
	answer, err := f.rest().exceptions(ctx, job.ID)
	if err != nil {
		return run, err
	}
	failed := slices.SortedStableFunc(slices.Values(answer.History.Entries), func(a, b flinkException) int {
		return cmp.Compare(a.Timestamp, b.Timestamp)
	})
	for _, e := range failed {
		run.Attempts = append(run.Attempts, Attempt{Ended: time.UnixMilli(e.Timestamp).UTC(), Reason: reasonIn(e.Trace)})
	}
	switch job.State {
	case "FINISHED":
		run.Attempts = append(run.Attempts, Attempt{Ended: time.Now().UTC()})
	case cancelledState:
		run.Attempts = append(run.Attempts, Attempt{Ended: time.Now().UTC(), Reason: "the job was cancelled"})
	}
	return run, nil
}

// reasonIn is the reason that a stack trace gives: our own words, if it has them.
func reasonIn(trace string) string {
	if ours, ok := failure.Decode(trace); ok {
		return ours.Message
	}
	reason, _ := flinkCause(trace)
	return reason
}

// counts asks Flink for the counters of a job that runs; nil while it tells none. It does when
// a task has finished some of its work.
func (f flinkEngine) counts(ctx context.Context, jobID string) map[string]int64 {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	job, err := f.rest().find(ctx, nameOnFlink(jobID))
	if err != nil {
		return nil
	}
	text, err := f.rest().accumulators(ctx, job.ID)
	if err != nil || len(text) == 0 {
		return nil
	}
	return countsIn(text)
}

// countsIn reads the counters of ours in what Beam's runner for Flink writes of its metrics.
func countsIn(text []byte) map[string]int64 {
	var value struct {
		Metrics struct {
			Attempted []json.RawMessage `json:"attempted"`
		} `json:"metrics"`
	}
	if err := json.Unmarshal(text, &value); err != nil {
		return nil
	}
	var infos []*pipepb.MonitoringInfo
	for _, raw := range value.Metrics.Attempted {
		info := &pipepb.MonitoringInfo{}
		if (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, info) == nil {
			infos = append(infos, info)
		}
	}
	return sums(infos)
}
