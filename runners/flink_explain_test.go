package runners

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/runners/options"
)

// The traces are what a JobManager of Flink 1.19 answered, without most of their frames.
func TestFlinkCause(t *testing.T) {
	t.Parallel()
	const atOpen = "java.lang.Exception: The user defined 'open()' method caused an exception: "
	const wrapped = "org.apache.beam.vendor.guava.v32_1_2_jre.com.google.common.util.concurrent.UncheckedExecutionException: "
	for _, test := range []struct{ name, trace, cause, hint string }{
		{
			"the boot program is missing", atOpen + `java.io.IOException: Cannot run program "/opt/boot.sh": error=2, No such file or directory
	at org.apache.flink.runtime.operators.BatchTask.run(BatchTask.java:510)
Caused by: ` + wrapped + `java.io.IOException: Cannot run program "/opt/boot.sh": error=2, No such file or directory
	... 6 more
Caused by: java.io.IOException: error=2, No such file or directory`,
			`Cannot run program "/opt/boot.sh": error=2, No such file or directory`, "runner.flink.worker_command",
		},
		{
			"the worker does not start", "Caused by: " + atOpen + "java.lang.IllegalStateException: Process died with exit code 1",
			"Process died with exit code 1", "the log of the TaskManager",
		},
		{
			"a TaskManager is lost", `org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
	at org.apache.flink.runtime.executiongraph.failover.ExecutionFailureHandler.handleFailure(ExecutionFailureHandler.java:180)
Caused by: org.apache.flink.runtime.jobmaster.JobMasterException: TaskManager with id localhost:46319-5d3778 is no longer reachable.
	... 36 more`,
			"TaskManager with id localhost:46319-5d3778 is no longer reachable.", "a restart strategy",
		},
		{
			"too few task slots", `java.util.concurrent.CompletionException: org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException: Could not allocate the required slot within slot request timeout
Caused by: java.util.concurrent.TimeoutException: Timeout has occurred: 60000 ms`,
			"Could not allocate the required slot within slot request timeout", "runner.parallelism",
		},
		{
			"too little network memory", `java.io.IOException: Insufficient number of network buffers: required 512, but only 500 available. The total number of network buffers is currently set to 2048 of 32768 bytes each.
	at org.apache.flink.runtime.io.network.buffer.NetworkBufferPool.internalCreateBufferPool(NetworkBufferPool.java:495)`,
			"Insufficient number of network buffers: required 512, but only 500 available. The total number of network buffers is currently set to 2048 of 32768 bytes each.", "taskmanager.memory.network",
		},
		{
			"another one", "java.lang.Exception: while it ran: out of luck\n\tat a.b.C\nCaused by: java.lang.RuntimeException: out of luck\n",
			"while it ran: out of luck", "",
		},
		{
			"a version of Flink that the job server was not made for", `job hyperlake0-root_427c056b failed:
org.apache.flink.runtime.rest.util.RestClientException: [org.apache.flink.runtime.rest.handler.RestHandlerException: Failed to deserialize JobGraph.
	at org.apache.flink.runtime.rest.handler.job.JobSubmitHandler.lambda$loadJobGraph$2(JobSubmitHandler.java:145)
Caused by: java.lang.ClassNotFoundException: org.apache.flink.runtime.jobgraph.RestoreMode
	at java.base/jdk.internal.loader.BuiltinClassLoader.loadClass(BuiltinClassLoader.java:641)
]
	at org.apache.flink.runtime.rest.RestClient.parseResponse(RestClient.java:646)`,
			"Failed to deserialize JobGraph.", "beam-runners-flink-1.19",
		},
		{
			"somebody cancelled it", "job a_1 failed:\norg.apache.flink.runtime.client.JobCancellationException: Job was cancelled.",
			"Job was cancelled.", "cancelled it on Flink",
		},
		{"a class and no words", "java.util.concurrent.TimeoutException\n\tat a.b.C\n", "java.util.concurrent.TimeoutException", ""},
		{"a cause without words", "java.lang.RuntimeException: out of luck\n\tat a.b.C\nCaused by: java.lang.NullPointerException\n", "out of luck", ""},
		{"a long one", "java.lang.Exception: " + strings.Repeat("x", 12000), strings.Repeat("x", maxCause) + "…", ""},
		{"frames only", "\tat a.b.C\n", "it gives no reason", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cause, hint := flinkCause(test.trace)
			assert.Equal(t, test.cause, cause)
			if test.hint == "" {
				assert.Empty(t, hint)
			}
			assert.Contains(t, hint, test.hint)
		})
	}
}

// flinkWith is an engine whose JobManager gives that reason for the failure of job a.
func flinkWith(t *testing.T, trace string) flinkEngine {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := `{"jobs":[{"jid":"j1","name":"a","state":"FAILED"}]}`
		if r.URL.Path == "/jobs/j1/exceptions" {
			answer = fmt.Sprintf(`{"root-exception":%q}`, trace)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return flinkEngine{options: options.Flink{RESTEndpoint: strings.TrimPrefix(server.URL, "http://"), Environment: options.FlinkProcess}}
}

func TestAFailureOfAWorkerWins(t *testing.T) {
	t.Parallel()
	for kind, message := range map[failure.Kind]string{
		failure.Data: "row 7 is odd", failure.Hyperd: "on a worker: row 7 is odd", failure.Storage: "on a worker: row 7 is odd",
	} {
		text := failure.Encode(failure.New(kind, "row 7 is odd").WithHint("mend it"), failure.Engine).Error()
		for where, err := range map[string]error{
			"job server":  flinkWith(t, "java.lang.Exception: lost").explain(t.Context(), "a_1", errors.New("failed: "+text)),
			"job manager": flinkWith(t, "java.lang.Exception: "+text).explain(t.Context(), "a_2", errors.New("failed: lost")),
		} {
			failed := failure.Of(err, failure.Engine)
			assert.Equal(t, kind, failed.Kind, where)
			assert.Equal(t, message, failed.Message, where)
			assert.Equal(t, "mend it", failed.Hint, where)
		}
	}
}

// lacking is an error that is about the environment of the process.
type lacking struct{ error }

func (lacking) OfEnvironment() bool { return true }

func TestWhatAWorkersEnvironmentLacksIsLookedForThere(t *testing.T) {
	t.Parallel()
	made := failure.New(failure.Source, "file a: %w", lacking{errors.New("no keys")}).WithHint("set KEY")
	for environment, hint := range map[options.FlinkEnvironment]string{
		options.FlinkLoopback: "set KEY",
		options.FlinkProcess:  "set KEY; do so on the worker's machine: a worker has the environment of its TaskManager, and nothing of this one",
		options.FlinkExternal: "set KEY; do so on the worker's machine: a worker has the environment of the pool at pool:1, and nothing of this one",
		options.FlinkDocker:   "set KEY; do so on the worker's machine: a worker has the environment of the image i:1, and nothing of this one",
	} {
		engine := flinkEngine{options: options.Flink{Environment: environment, WorkerAddress: "pool:1", Image: "i:1"}}
		failed := failure.Of(engine.explain(t.Context(), "a_1", failure.Encode(made, failure.Engine)), failure.Engine)
		assert.Equal(t, failure.Source, failed.Kind)
		assert.Equal(t, hint, failed.Hint)
		assert.Equal(t, environment != options.FlinkLoopback, failed.Message == "on a worker: file a: no keys", failed.Message)
	}
}

func TestTheJobServersWordsStandWithoutAJobManager(t *testing.T) {
	t.Parallel()
	err := flinkEngine{options: options.Flink{RESTEndpoint: "localhost:1"}}.explain(t.Context(), "a_1", errors.New("error=2"))
	assert.EqualError(t, err, "the JobManager of Flink at http://localhost:1 was lost while the job ran: error=2")
	err = flinkWith(t, `java.io.IOException: Cannot run program "boot"`).explain(t.Context(), "a_1", errors.New("error=2"))
	assert.EqualError(t, err, `job j1 failed on Flink: Cannot run program "boot"`)
}

// jobWith is an engine on whose JobManager job a has a state, exceptions and accumulators.
func jobWith(t *testing.T, state, exceptions, accumulators string) flinkEngine {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := fmt.Sprintf(`{"jobs":[{"jid":"j1","name":"a","state":%q}]}`, state)
		switch r.URL.Path {
		case "/jobs/j1/exceptions":
			answer = exceptions
		case "/jobs/j1/accumulators":
			answer = accumulators
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return flinkEngine{options: options.Flink{RESTEndpoint: strings.TrimPrefix(server.URL, "http://"), Environment: options.FlinkProcess}}
}

func TestAJobThatSomebodyCancelledIsSaid(t *testing.T) {
	t.Parallel()
	engine := jobWith(t, "CANCELED", `{"root-exception":null,"exceptionHistory":{"entries":[],"truncated":false}}`, "")
	const words = "job a_1 failed:\norg.apache.flink.runtime.client.JobCancellationException: Job was cancelled."
	err := engine.explain(t.Context(), "a_1", errors.New(words))
	failed := failure.Of(err, "")
	assert.Equal(t, "job j1 was cancelled on Flink, not by this run", failed.Message)
	assert.Contains(t, failed.Hint, "--resume")
}

func TestTheAttemptsOfAJobAreTold(t *testing.T) {
	t.Parallel()
	ours := failure.Encode(failure.New(failure.Hyperd, "hyperd is gone"), failure.Engine).Error()
	exceptions := fmt.Sprintf(`{"exceptionHistory":{"entries":[{"stacktrace":"java.lang.Exception: lost\n\tat a.B","timestamp":2000},{"stacktrace":%q,"timestamp":1000}]}}`, ours)
	for state, reasons := range map[string][]string{
		"FINISHED": {"hyperd is gone", "lost", ""},
		"FAILED":   {"hyperd is gone", "lost"},
		"CANCELED": {"hyperd is gone", "lost", "the job was cancelled"},
	} {
		run, err := jobWith(t, state, exceptions, "").account(t.Context(), "a_1")
		require.NoError(t, err)
		assert.Equal(t, "j1", run.ID)
		var told []string
		for _, attempt := range run.Attempts {
			assert.False(t, attempt.Ended.IsZero())
			told = append(told, attempt.Reason)
		}
		assert.Equal(t, reasons, told, state)
	}
}

// The text is what Flink 1.19 answered while a job ran, without most of its metrics.
func TestCountersOfAJobThatRuns(t *testing.T) {
	t.Parallel()
	const metric = `{"urn": "beam:metric:user:sum_int64:v1", "type": "beam:metrics:sum_int64:v1", "payload": %q, "labels": {"PTRANSFORM": "e7", "NAMESPACE": %q, "NAME": "rows_loaded"}}`
	value := fmt.Sprintf(`{"metrics": {"attempted": [`+metric+`, `+metric+`, `+metric+`]}}`, "gJvuAg==", "hyperlake", "AQ==", "hyperlake", "AQ==", "other")
	answer := fmt.Sprintf(`{"job-accumulators":[],"user-task-accumulators":[{"name":"__metricscontainers","type":"MetricsAccumulator","value":%q}]}`, value)
	assert.Equal(t, map[string]int64{"rows_loaded": 6_000_001}, jobWith(t, "RUNNING", "", answer).counts(t.Context(), "a_1"))
	assert.Empty(t, jobWith(t, "RUNNING", "", `{"user-task-accumulators":[]}`).counts(t.Context(), "a_1"))
	assert.Empty(t, jobWith(t, "RUNNING", "", `{"user-task-accumulators":[{"name":"__metricscontainers","value":"(none)"}]}`).counts(t.Context(), "a_1"))
}
