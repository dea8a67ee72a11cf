package plan

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

func TestPartitionTypes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values []string
		want   arrow.DataType
	}{
		"numbers":       {[]string{"1", "-20"}, arrow.PrimitiveTypes.Int64},
		"leading zeros": {[]string{"01", "12"}, arrow.BinaryTypes.String},
		"too large":     {[]string{"1", "9223372036854775808"}, arrow.BinaryTypes.String},
		"dates":         {[]string{"2026-01-31", "__HIVE_DEFAULT_PARTITION__"}, arrow.FixedWidthTypes.Date32},
		"no such date":  {[]string{"2026-01-31", "2026-02-30"}, arrow.BinaryTypes.String},
		"mixed":         {[]string{"2026-01-31", "1"}, arrow.BinaryTypes.String},
		"only NULL":     {[]string{"__HIVE_DEFAULT_PARTITION__"}, arrow.BinaryTypes.String},
		"empty":         {[]string{""}, arrow.BinaryTypes.String},
	} {
		var files []SourceFile
		for _, value := range c.values {
			below := "key=" + value + "/f.parquet"
			files = append(files, SourceFile{storage.Info{URI: "lake/" + below}, below})
		}
		found, err := partitionsOf(files, config.PartitionsAuto, false)
		require.NoError(t, err, name)
		require.Len(t, found, 1, name)
		assert.Equal(t, c.want, found[0].field().Type, name)
	}
}
