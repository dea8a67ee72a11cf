package plan

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/parquetread"
)

// A remote file is copied for hyperd only if it fits the spool and most of it is needed.
func TestWhichRemoteFilesAreDeferred(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Spool: hyper.SpoolConfig{MaxBytes: "256m"}}
	cfg.Runner.Parallelism = 2
	d := deferral{spoolBytes: cfg.WorkerSpool().MostBytes()}
	assert.EqualValues(t, 128<<20, d.spoolBytes)
	for _, c := range []struct {
		size, read int64
		want       string
	}{
		{128 << 20, 100, ""},
		{128<<20 + 1, 100, "remote files are larger than the spool can be, 128 MiB"},
		{1000, 50, ""},
		{1000, 49, "less than half of remote files is read"},
	} {
		file := PlannedFile{Groups: []parquetread.RowGroup{{Bytes: c.read}, {Bytes: c.read}}}
		footer := parquetread.Footer{Info: storage.Info{Size: c.size}, RowGroups: []parquetread.RowGroup{{Bytes: 100}, {Bytes: 100}}}
		assert.Equal(t, c.want, d.remoteRefusal(&file, footer), c)
	}
	assert.EqualValues(t, 1536<<20, (&config.Config{}).WorkerSpool().MostBytes(), "as much as auto ever is")
}
