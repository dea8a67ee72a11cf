package pipelines

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

func TestDiskLoad(t *testing.T) {
	t.Parallel()
	const mb, gb = int64(1) << 20, int64(1) << 30
	for name, test := range map[string]struct {
		load diskLoad
		want int64
	}{
		"nothing to do":             {diskLoad{}, 30 * gb},
		"the spool of a small lake": {diskLoad{lake: 10 * mb, largest: 10 * mb, spool: 1000 * mb}, 30*gb + 1030*mb*11/10},
		"the merge of a large one":  {diskLoad{lake: 100 * gb, largest: gb, spool: gb}, 30*gb + 440*gb},
		"one file of all":           {diskLoad{lake: 2 * gb, largest: 10 * gb, spool: gb}, 30*gb + 15*gb*11/10},
	} {
		assert.Equal(t, test.want, test.load.bytes(), name)
	}
}

func TestDiskLoadOfAPlan(t *testing.T) {
	t.Parallel()
	read := []parquetread.RowGroup{{Rows: 1}}
	plan := &Plan{Tables: []*TablePlan{
		{Bytes: 100, Pruned: Pruned{Bytes: 40}, files: []plannedFile{
			{info: storage.Info{Size: 80}, groups: read},
			{info: storage.Info{Size: 900}}, // of which nothing is read
		}},
		{Bytes: 7, files: []plannedFile{{info: storage.Info{Size: 9}, groups: read}}},
	}}
	assert.Equal(t, diskLoad{lake: 67, largest: 80, spool: 5}, plan.diskLoad(5))
}
