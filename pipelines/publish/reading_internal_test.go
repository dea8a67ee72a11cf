package publish

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"hyperlake/pipelines/report"
)

func TestReadingIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []report.Progress
		whileTelling(func(p report.Progress) { told = append(told, p) }, func() { time.Sleep(2*tellEvery + tellEvery/2) })
		assert.Equal(t, []report.Progress{
			{Stage: stageRead, Uncounted: true},
			{Stage: stageRead, Uncounted: true, Elapsed: tellEvery},
			{Stage: stageRead, Uncounted: true, Elapsed: 2 * tellEvery},
		}, told)
	})
	done := false
	whileTelling(nil, func() { done = true })
	assert.True(t, done)
}
