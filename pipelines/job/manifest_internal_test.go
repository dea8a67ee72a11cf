package job

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/transforms/parquetread"
)

// What was read without a look at the names of folders is not what a plan wants that has one.
func TestUnitsTellWhatWasVerified(t *testing.T) {
	t.Parallel()
	of := func(folders ...parquetread.FolderValue) unit {
		file := parquetread.FileRef{Folders: folders, RowGroups: []parquetread.RowGroup{{Rows: 1}}}
		return unitsOf([]parquetread.Shard{{Files: []parquetread.FileRef{file}}})[0]
	}
	assert.Equal(t, of(), of())
	assert.Equal(t, of(parquetread.FolderValue{Column: "k"}), of(parquetread.FolderValue{Column: "k"}))
	assert.NotEqual(t, of(), of(parquetread.FolderValue{Column: "k"}))

	shard := parquetread.Shard{Files: []parquetread.FileRef{{Folders: []parquetread.FolderValue{{Column: "k"}}, RowGroups: []parquetread.RowGroup{{Rows: 1}}}}}
	assert.Empty(t, without([]parquetread.Shard{shard}, &finished{shards: []parquetread.Shard{shard}}))
}
