package tableau_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestWhatTheServerAsksToWaitIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	b.Inject(tableautest.Fault{Path: "/projects", Status: 429, RetryAfter: "7"})
	_, err := b.client.FindProject(t.Context(), "Sales")
	require.NoError(t, err)
	assert.Contains(t, b.log.String(), `level=WARN msg="the server asks to wait" status=429 wait=7s`)

	// A publication that may have been executed is looked at after that time.
	b.Inject(tableautest.Fault{Method: "POST", Path: "/datasources", Status: 503, RetryAfter: "8"})
	_, err = b.client.Publish(t.Context(), b.publication(plainFile(t, 10), tableau.Create))
	require.NoError(t, err)
	assert.Contains(t, b.log.String(), `level=WARN msg="the server asks to wait" status=503 wait=8s`)

	b.Inject(tableautest.Fault{Path: "/projects", Status: 503, RetryAfter: "3600"})
	_, err = b.client.FindProject(t.Context(), "Sales")
	require.ErrorContains(t, err, "the server asks to wait 1h0m0s")
	assert.Equal(t, "repeat it in 1h0m0s: that is longer than is waited for (15m0s)", tableau.Hint(err))
	assert.NotContains(t, b.log.String(), "wait=1h0m0s", "it is not waited for")
}
