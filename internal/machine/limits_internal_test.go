package machine

import (
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

func TestALimitThatLeavesNoRoomIsNamed(t *testing.T) {
	t.Parallel()
	limit := taskLimit{most: 100, taken: 60, whose: "this user", name: "ulimit -u", hint: "raise it"}
	require.NoError(t, limit.check(40))
	err := limit.check(41)
	require.EqualError(t, err, "this user may have 100 processes and threads at a time (ulimit -u), of which 60 are taken, but 41 more are needed")
	assert.Equal(t, "raise it", failure.Of(err, "").Hint)
	none := taskLimit{most: 1<<64 - 1, taken: 60}
	assert.NoError(t, none.check(1000))
}

func TestTheThreadsOfAUserAreCounted(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "linux" {
		assert.Positive(t, tasksOf(os.Getuid()))
	}
	assert.Zero(t, tasksOf(-5))
}

func TestProgramsThatMetALimitSaySo(t *testing.T) {
	t.Parallel()
	for said, hint := range map[string]string{
		"E1129 22:39:37.5 32737 thd.cc:157] pthread_create failed: Resource temporarily unavailable": "ulimit -u",
		"unable to create environment: Could not spawn thread":                                       "ulimit -u",
		"std::__1::system_error: thread constructor failed: Resource temporarily unavailable":        "ulimit -u",
		"accept: Too many open files": "ulimit -n",
	} {
		assert.Contains(t, HintOfLimits(said), hint)
	}
	assert.Empty(t, HintOfLimits("listening on /tmp/hyper"))
}
