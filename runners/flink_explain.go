package runners

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"hyperlake/internal/failure"
)

func (f flinkEngine) state(ctx context.Context, jobID string) (state, id string, err error) {
	job, err := f.rest().find(ctx, nameOnFlink(jobID))
	return job.State, job.ID, err
}

// explain looks for a failure of ours in what the job server says, then in what the
// JobManager does. Without any, the JobManager's root exception is the reason: the job
// server tells but the innermost part of it.
func (f flinkEngine) explain(ctx context.Context, jobID string, err error) error {
	if ours, ok := failure.Decode(err.Error()); ok {
		return f.onWorker(ours)
	}
	id, trace, restErr := f.rest().rootException(ctx, nameOnFlink(jobID))
	if restErr != nil || trace == "" {
		return failure.OfJob(err)
	}
	if ours, ok := failure.Decode(trace); ok {
		return f.onWorker(ours)
	}
	cause, hint := flinkCause(trace)
	return failure.New(failure.Engine, "job %s failed on Flink: %s", id, cause).WithHint("%s", hint)
}

// onWorker says of failures that have to do with a machine which one that is.
func (f flinkEngine) onWorker(failed *failure.Error) error {
	aboutMachine := failed.Kind == failure.Hyperd || failed.Kind == failure.Storage
	if aboutMachine && f.options.Environment != FlinkLoopback {
		failed.Message = "on a worker: " + failed.Message
	}
	return failed
}

// flinkCauses are reasons that people can do something about, by a part of their text.
var flinkCauses = []struct{ part, hint string }{
	{"Cannot run program", "runner.flink.worker_command must be the path that Beam's boot program has on every TaskManager"},
	{"Process died with exit code", "the worker did not start: the log of the TaskManager says why; runner.flink.worker_binary must be this program, built for the TaskManagers"},
	{"NoResourceAvailableException", "the job takes as many task slots as runner.parallelism says: start more TaskManagers, set it lower, or wait for other jobs"},
	{"Insufficient number of network buffers", "Flink takes 512 of them for every shuffle of a task slot, however little passes: raise taskmanager.memory.network.min and max, or lower taskmanager.network.sort-shuffle.min-buffers, in Flink's configuration"},
	{"no longer reachable", lostTaskManagerHint},
	{"recipient is unreachable", lostTaskManagerHint},
	{"Heartbeat of TaskManager", lostTaskManagerHint},
}

const lostTaskManagerHint = "see why it ended, and run again; with a restart strategy whose tries outlast heartbeat.timeout, in Flink's configuration, Flink itself goes on without it"

var javaClasses = regexp.MustCompile(`^(?:Caused by: )?(?:[\w.$]+(?:Exception|Error): )*`)

// flinkCause finds the reason in a Java stack trace: one that we know, else the outermost
// that tells the whole text of the innermost.
func flinkCause(trace string) (cause, hint string) {
	var causes []string
	for line := range strings.Lines(trace) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "at ") || strings.HasPrefix(line, "... ") {
			continue
		}
		for _, known := range flinkCauses {
			if strings.Contains(line, known.part) {
				return plainCause(line), known.hint
			}
		}
		causes = append(causes, plainCause(line))
	}
	outermost := slices.IndexFunc(causes, func(cause string) bool { return strings.HasSuffix(cause, causes[len(causes)-1]) })
	if outermost < 0 {
		return "it gives no reason", ""
	}
	return causes[outermost], ""
}

// plainCause is a line of a stack trace without the classes before its text.
func plainCause(line string) string {
	text := javaClasses.ReplaceAllString(line, "")
	if _, inner, wrapped := strings.Cut(text, " method caused an exception: "); wrapped {
		text = javaClasses.ReplaceAllString(inner, "")
	}
	return text
}
