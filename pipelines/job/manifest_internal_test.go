package job

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/vector"
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

// What was read before more rows of a file were deleted is not what a plan wants that knows of them.
func TestUnitsTellWhatIsDeleted(t *testing.T) {
	t.Parallel()
	one, two := lake.DeleteFile{URI: "a"}, lake.DeleteFile{URI: "b"}
	both := parquetread.FileRef{EqualityDeletes: []lake.DeleteFile{one, two}, RowGroups: []parquetread.RowGroup{{Rows: 1}, {Index: 1, Rows: 1}}}
	files := []parquetread.FileRef{
		{}, {Deletes: &vector.Vector{ID: "v"}}, {Deletes: &vector.Vector{ID: "w"}}, {Deletes: &vector.Vector{Inline: []byte("v")}},
		{PositionDeletes: []lake.DeleteFile{one}}, {PositionDeletes: []lake.DeleteFile{one, two}},
		{EqualityDeletes: []lake.DeleteFile{one}}, both, {PositionDeletes: []lake.DeleteFile{one}, EqualityDeletes: []lake.DeleteFile{two}},
	}
	seen := map[unit]bool{}
	for _, file := range files {
		seen[unitOf(0, file)] = true
	}
	assert.Len(t, seen, len(files))
	turned := both
	turned.EqualityDeletes = []lake.DeleteFile{two, one}
	assert.Equal(t, unitOf(0, both), unitOf(0, turned))

	shard := parquetread.Shard{Files: []parquetread.FileRef{both}}
	var recorded parquetread.Shard
	raw, err := json.Marshal(shard)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &recorded))
	assert.Empty(t, without([]parquetread.Shard{shard}, &finished{shards: []parquetread.Shard{recorded}}))
	more := both
	more.PositionDeletes = []lake.DeleteFile{one}
	assert.Equal(t, covers([]parquetread.Shard{shard}), covers([]parquetread.Shard{recorded}))
	assert.NotEqual(t, covers([]parquetread.Shard{shard}), covers([]parquetread.Shard{{Files: []parquetread.FileRef{more}}}))
	assert.Len(t, without([]parquetread.Shard{{Files: []parquetread.FileRef{more}}}, &finished{shards: []parquetread.Shard{recorded}}), 1)
}
