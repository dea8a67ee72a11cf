package iceberg_test

import (
	"path/filepath"
	"testing"

	"hyperlake/internal/lake/iceberg/icebergtest"
)

type (
	object = icebergtest.Object
	maker  = icebergtest.Table
)

// data is the kind of a manifest of data in a table without partitions.
var data = icebergtest.Data

// kindOf is what a manifest holds.
func kindOf(spec int, content, partition string, sequence int) icebergtest.Kind {
	return icebergtest.Kind{Spec: spec, Content: content, Partition: partition, Sequence: sequence}
}

// newMaker makes tables in a folder of their own.
func newMaker(t testing.TB) *maker { return icebergtest.New(t, filepath.Join(t.TempDir(), "t")) }
