package runners

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/runners/options"
)

// jobManager answers as a JobManager does whose one job goes through states, one for each
// question, and notes what it is asked to do.
type jobManager struct {
	states []string
	asked  []string
}

func (m *jobManager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		m.asked = append(m.asked, r.Method+" "+r.URL.String())
		w.WriteHeader(http.StatusAccepted)
		return
	}
	jobs := ""
	if state := m.states[0]; state != "" {
		jobs = `{"jid":"other","name":"b","state":"RUNNING"},{"jid":"j1","name":"a","state":"` + state + `"}`
	}
	if len(m.states) > 1 {
		m.states = m.states[1:]
	}
	_, _ = w.Write([]byte(`{"jobs":[` + jobs + `]}`))
}

func cancelWith(t *testing.T, m http.Handler, within time.Duration) error {
	server := httptest.NewServer(m)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return flinkREST{strings.TrimPrefix(server.URL, "http://")}.cancel(ctx, "a")
}

func TestAJobIsCancelledOnceAndAwaited(t *testing.T) {
	t.Parallel()
	m := &jobManager{states: []string{"", "CREATED", "RUNNING", "CANCELLING", "CANCELED"}}
	require.NoError(t, cancelWith(t, m, time.Minute))
	assert.Equal(t, []string{"PATCH /jobs/j1?mode=cancel"}, m.asked)
	assert.Len(t, m.states, 1)
}

func TestAJobThatHasEndedIsLeftAlone(t *testing.T) {
	t.Parallel()
	m := &jobManager{states: []string{"FINISHED"}}
	require.NoError(t, cancelWith(t, m, time.Minute))
	assert.Empty(t, m.asked)
}

func TestAJobThatNeverComesIsGivenUp(t *testing.T) {
	t.Parallel()
	err := cancelWith(t, &jobManager{states: []string{""}}, 2*time.Second)
	require.ErrorIs(t, err, errNoSuchJob)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestARefusalIsReported(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, cancelWith(t, http.NotFoundHandler(), time.Minute), "/jobs/overview: 404 Not Found")
}

func TestWhereTheJobManagerIs(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "flink.example.org:8081", flinkEngine{options: options.Flink{Endpoint: "flink.example.org:8099"}}.rest().address)
	assert.Equal(t, "jm.example.org:80", flinkEngine{options: options.Flink{Endpoint: "localhost:8099", RESTEndpoint: "jm.example.org:80"}}.rest().address)
}

func TestNameOnFlink(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "hyperlake0-root-1121-bc69", nameOnFlink("hyperlake0-root-1121-bc69_2c47a3ad-0000"))
}
