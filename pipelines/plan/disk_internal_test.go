package plan

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDiskLoad(t *testing.T) {
	t.Parallel()
	const mb, gb = int64(1) << 20, int64(1) << 30
	for name, test := range map[string]struct {
		load DiskLoad
		want int64
	}{
		"nothing to do":               {DiskLoad{}, 30 * gb},
		"the spool of a small lake":   {DiskLoad{Lake: 10 * mb, Spool: 1000 * mb}, 30*gb + 1020*mb*11/10},
		"as much spool as partials":   {DiskLoad{Lake: gb, Spool: 2 * gb}, 30*gb + 4*gb + 4*gb/10},
		"the merge of a large lake":   {DiskLoad{Lake: 100 * gb, Spool: gb}, 30*gb + 440*gb},
		"a lake of more than one can": {DiskLoad{Lake: 1000 * 1000 * gb, Spool: gb}, 30*gb + 4400*1000*gb},
	} {
		assert.Equal(t, test.want, test.load.Bytes(), name)
	}
}

func TestDiskLoadOfAPlan(t *testing.T) {
	t.Parallel()
	plan := &Plan{Tables: []*TablePlan{
		{TableOutline: TableOutline{Bytes: 100, Pruned: Pruned{Bytes: 40}}}, {TableOutline: TableOutline{Bytes: 7}},
	}}
	assert.Equal(t, DiskLoad{Lake: 67, Spool: 5}, plan.DiskLoad(5))
}
