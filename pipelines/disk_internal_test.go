package pipelines

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDiskLoad(t *testing.T) {
	t.Parallel()
	const mb, gb = int64(1) << 20, int64(1) << 30
	for name, test := range map[string]struct {
		load diskLoad
		want int64
	}{
		"nothing to do":               {diskLoad{}, 30 * gb},
		"the spool of a small lake":   {diskLoad{lake: 10 * mb, spool: 1000 * mb}, 30*gb + 1020*mb*11/10},
		"as much spool as partials":   {diskLoad{lake: gb, spool: 2 * gb}, 30*gb + 4*gb + 4*gb/10},
		"the merge of a large lake":   {diskLoad{lake: 100 * gb, spool: gb}, 30*gb + 440*gb},
		"a lake of more than one can": {diskLoad{lake: 1000 * 1000 * gb, spool: gb}, 30*gb + 4400*1000*gb},
	} {
		assert.Equal(t, test.want, test.load.bytes(), name)
	}
}

func TestDiskLoadOfAPlan(t *testing.T) {
	t.Parallel()
	plan := &Plan{Tables: []*TablePlan{{Bytes: 100, Pruned: Pruned{Bytes: 40}}, {Bytes: 7}}}
	assert.Equal(t, diskLoad{lake: 67, spool: 5}, plan.diskLoad(5))
}
