package runners

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/runners/options"
)

func (f flinkEngine) state(ctx context.Context, jobID string) (state, id string, err error) {
	job, err := f.rest().find(ctx, nameOnFlink(jobID))
	return job.State, job.ID, err
}

// explain is where every failure of a job becomes one that a person can read. It looks for a
// failure of ours in what the job server says, then in what the JobManager does. Without any,
// the JobManager's root exception is the reason: the job server tells but the innermost part of
// it. Where the JobManager says nothing, that part has to do.
func (f flinkEngine) explain(ctx context.Context, jobID string, err error) error {
	if ours, ok := failure.Decode(err.Error()); ok {
		return f.onWorker(ours)
	}
	job, restErr := f.rest().find(ctx, nameOnFlink(jobID))
	trace := ""
	if restErr == nil {
		trace, restErr = f.rest().rootException(ctx, job.ID)
	}
	if ours, ok := failure.Decode(trace); ok {
		return f.onWorker(ours)
	}
	if trace == "" {
		trace = err.Error()
	}
	cause, hint := flinkCause(trace)
	known := "job " + job.ID
	if job.ID == "" {
		known = "the job"
	}
	var answer statusError
	switch {
	case job.State == cancelledState:
		return failure.New(failure.Engine, "%s was cancelled on Flink, not by this run", known).
			WithHint("run it again, unless whoever cancelled it had a reason; with a staging of your own, --resume goes on with what was finished")
	case restErr != nil && !errors.Is(restErr, errNoSuchJob) && !errors.As(restErr, &answer):
		return failure.New(failure.Engine, "the JobManager of Flink at http://%s was lost while the job ran: %s", f.rest().address, cause).
			WithHint("%s", lostJobManagerHint)
	}
	return failure.New(failure.Engine, "%s failed on Flink: %s", known, cause).
		WithHint("%s", cmp.Or(hint, "the log of Flink's JobManager, and its page of the job, say more"))
}

// onWorker says of failures that have to do with a machine which one that is, and of those that have to do with the environment
// of a process where that comes from.
func (f flinkEngine) onWorker(failed *failure.Error) error {
	aboutMachine := failed.Kind == failure.Hyperd || failed.Kind == failure.Storage || failed.Environment
	if !aboutMachine || f.options.Environment == options.FlinkLoopback {
		return failed
	}
	failed.Message = "on a worker: " + failed.Message
	if failed.Environment {
		failed.Hint += "; " + f.surroundings()
	}
	return failed
}

// surroundings says where the environment of workers comes from.
func (f flinkEngine) surroundings() string {
	from := "of its TaskManager"
	switch f.options.Environment {
	case options.FlinkExternal:
		from = "of the pool at " + f.options.WorkerAddress
	case options.FlinkDocker:
		from = "of the image " + f.options.Image
	}
	return "do so on the worker's machine: a worker has the environment " + from + ", and nothing of this one"
}

// flinkCauses are reasons that people can do something about, by a part of their text.
var flinkCauses = []struct{ part, hint string }{
	{"JobCancellationException", "somebody cancelled it on Flink: run it again, unless there was a reason"},
	{"Failed to deserialize JobGraph", versionHint},
	{"serialVersionUID", versionHint},
	{"NoSuchMethodError", versionHint},
	{"NoClassDefFoundError", versionHint},
	{"IncompatibleClassChangeError", versionHint},
	{"Cannot run program", "runner.flink.worker_command must be the path that Beam's boot program has on every TaskManager"},
	{"Process died with exit code", "the worker did not start: the log of the TaskManager says why; " +
		"runner.flink.worker_binary must be this program, built for the TaskManagers"},
	{"NoResourceAvailableException", "the job takes as many task slots as runner.parallelism says: " +
		"start more TaskManagers, set it lower, or wait for other jobs"},
	{"Insufficient number of network buffers", "Flink takes 512 of them for every shuffle of a task slot, however little passes: " +
		"raise taskmanager.memory.network.min and max, " +
		"or lower taskmanager.network.sort-shuffle.min-buffers, in Flink's configuration"},
	{"no longer reachable", lostTaskManagerHint},
	{"recipient is unreachable", lostTaskManagerHint},
	{"Heartbeat of TaskManager", lostTaskManagerHint},
	{"OutOfMemoryError", "give the TaskManagers more of the memory that is named, in Flink's configuration"},
	{"ConnectException", lostJobManagerHint},
}

const (
	lostTaskManagerHint = "see why it ended, and run again; " +
		"with a restart strategy whose tries outlast heartbeat.timeout, in Flink's configuration, Flink itself goes on without it"
	lostJobManagerHint = "see in its log why it ended, start it again, and run again: " +
		"without high availability, in Flink's configuration, no job outlasts it"
	versionHint = "Beam's job server must be made for the version of Flink that the cluster has: " +
		"for Flink 1.19 that is org.apache.beam:beam-runners-flink-1.19"
)

// maxCause is how long a reason may be, in bytes: some have traces within them.
const maxCause = 600

var javaClasses = regexp.MustCompile(`^(?:Caused by: |\[|<Exception on server side:|job \S+ failed: ?|[\w.$]+(?:Exception|Error)(?:: |$))*`)

// flinkCause finds the reason in a Java stack trace: one that we know, else the outermost
// that tells the whole text of the innermost.
func flinkCause(trace string) (cause, hint string) {
	var lines []string
	for line := range strings.Lines(trace) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "at ") && !strings.HasPrefix(line, "... ") &&
			!strings.HasPrefix(line, "End of exception on server side") {
			lines = append(lines, line)
		}
	}
	for _, known := range flinkCauses {
		for _, line := range lines {
			if strings.Contains(line, known.part) {
				return cmp.Or(plainCause(line), line), known.hint
			}
		}
	}
	var causes []string
	for _, line := range lines {
		if text := plainCause(line); text != "" {
			causes = append(causes, text)
		}
	}
	outermost := slices.IndexFunc(causes, func(cause string) bool { return strings.HasSuffix(cause, causes[len(causes)-1]) })
	switch {
	case outermost >= 0:
		return causes[outermost], ""
	case len(lines) > 0: // classes alone
		return clipped(lines[len(lines)-1]), ""
	}
	return "it gives no reason", ""
}

// plainCause is a line of a stack trace without the classes before its text.
func plainCause(line string) string {
	text := javaClasses.ReplaceAllString(line, "")
	if _, inner, wrapped := strings.Cut(text, " method caused an exception: "); wrapped {
		text = javaClasses.ReplaceAllString(inner, "")
	}
	return clipped(text)
}

func clipped(text string) string {
	if len(text) <= maxCause {
		return text
	}
	return strings.ToValidUTF8(text[:maxCause], "") + "…"
}
