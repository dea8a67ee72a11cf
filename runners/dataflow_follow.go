package runners

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/googleapis/gax-go/v2"
	df "google.golang.org/api/dataflow/v1b3"

	"hyperlake/internal/failure"
)

const (
	// A job is asked for often at first, when most goes wrong, and less often later.
	firstPoll   = 200 * time.Millisecond
	longestPoll = 10 * time.Second
	pollGrowth  = 1.1

	// maxMessage is the length of a message, in bytes, that people are shown: workers send
	// the stacks of all their goroutines.
	maxMessage = 1000
)

// follower watches a job until it has ended: it logs states and messages, and reports
// counters.
type follower struct {
	client *dataflowClient
	id     string
	job    job

	state  string          // the last that was seen
	seen   map[string]bool // messages, by id
	latest string          // the time of the latest message
	errors []string        // what the job said about its failure, in order
}

// await returns when the job has ended, or ctx has.
func (f *follower) await(ctx context.Context) error {
	f.seen = map[string]bool{}
	for pause := firstPoll; ; pause = min(time.Duration(float64(pause)*pollGrowth), longestPoll) {
		if err := gax.Sleep(ctx, pause); err != nil {
			return err
		}
		state, err := f.client.state(ctx, f.id)
		if err != nil {
			return err
		}
		f.readMessages(ctx) // what is in them was said before the state was
		f.readCounters(ctx)
		if state != f.state {
			f.state = state
			f.job.log.Info("state of the job", "state", state)
		}
		if hasEnded(state) {
			return f.verdict()
		}
	}
}

// endedOnDataflow are the states that a job does not leave.
var endedOnDataflow = []string{"JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_DRAINED", "JOB_STATE_UPDATED"}

func hasEnded(state string) bool { return slices.Contains(endedOnDataflow, state) }

// verdict is what became of a job that has ended.
func (f *follower) verdict() error {
	switch f.state {
	case "JOB_STATE_DONE":
		return nil
	case "JOB_STATE_CANCELLED":
		return failure.OfJob(errors.New("the job was cancelled on the engine"))
	case "JOB_STATE_FAILED":
		return f.failure()
	}
	return failure.OfJob(fmt.Errorf("somebody changed the job: its state is %s", f.state))
}

// failure is our own failure that a worker met, else the first of the job's words, which
// is about the cause, and the last, which is about the end.
func (f *follower) failure() error {
	for _, message := range f.errors {
		if ours, ok := failure.Decode(message); ok {
			return ours
		}
	}
	var words []string
	if n := len(f.errors); n > 0 {
		words = slices.Compact([]string{shorten(f.errors[0]), shorten(f.errors[n-1])})
	} else {
		words = []string{"it does not say why"}
	}
	return failure.New(failure.Engine, "the job %s failed on Dataflow: %s", f.id, strings.Join(words, "; ")).
		WithHint("see %s", f.client.console(f.id))
}

// readMessages logs what the job has said since the last time. What cannot be read is
// read the next time; the job does not depend on it.
func (f *follower) readMessages(ctx context.Context) {
	request := f.client.jobs.Messages.List(f.client.project, f.client.region, f.id).MinimumImportance("JOB_MESSAGE_BASIC")
	if f.latest != "" {
		request = request.StartTime(f.latest)
	}
	err := f.client.call(ctx, callDeadline, func(ctx context.Context) error {
		return request.Pages(ctx, func(page *df.ListJobMessagesResponse) error {
			for _, message := range page.JobMessages {
				f.take(ctx, message)
			}
			return nil
		})
	})
	if err != nil {
		f.job.log.Debug("messages of the job are not to be had", "error", err)
	}
}

// take logs a message, once.
func (f *follower) take(ctx context.Context, message *df.JobMessage) {
	if f.seen[message.Id] {
		return
	}
	f.seen[message.Id] = true
	f.latest = max(f.latest, message.Time)
	level, text := slog.LevelInfo, shorten(message.MessageText)
	switch message.MessageImportance {
	case "JOB_MESSAGE_ERROR":
		level = slog.LevelWarn // Dataflow tries again; the job may succeed yet
		f.errors = append(f.errors, message.MessageText)
		if ours, ok := failure.Decode(message.MessageText); ok {
			text = ours.Message
		}
	case "JOB_MESSAGE_WARNING":
		level = slog.LevelWarn
	}
	f.job.log.Log(ctx, level, "Dataflow: "+text)
}

// shorten keeps the beginning of a text, on one line.
func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

// readCounters reports the counters of our namespace so far.
func (f *follower) readCounters(ctx context.Context) {
	if f.job.progress == nil {
		return
	}
	var answer *df.JobMetrics
	err := f.client.call(ctx, callDeadline, func(ctx context.Context) (err error) {
		answer, err = f.client.jobs.GetMetrics(f.client.project, f.client.region, f.id).Context(ctx).Do()
		return err
	})
	if err != nil {
		f.job.log.Debug("metrics of the job are not to be had", "error", err)
		return
	}
	f.job.progress(sumOnDataflow(answer.Metrics))
}

// sumOnDataflow adds up counters over the steps of a job, as far as they are settled and
// as far as they are tentative, and takes what is more.
func sumOnDataflow(metrics []*df.MetricUpdate) map[string]int64 {
	sums := map[bool]map[string]int64{false: {}, true: {}}
	for _, metric := range metrics {
		if metric.Name == nil || metric.Name.Context["namespace"] != "hyperlake" {
			continue
		}
		if value, ok := metric.Scalar.(float64); ok {
			sums[metric.Name.Context["tentative"] == "true"][metric.Name.Name] += int64(value)
		}
	}
	counts := sums[true]
	for name, value := range sums[false] {
		counts[name] = max(counts[name], value)
	}
	return counts
}
