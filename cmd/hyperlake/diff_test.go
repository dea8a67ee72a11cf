package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// An extract on a store is compared by a copy of it.
func TestDiffOfRemoteExtracts(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	folder := t.TempDir()
	lake := must(filepath.Abs("../../testdata/lake/orders/*.parquet"))
	config := "name: orders\ntables: [{source: {uri: \"" + lake + "\"}}]\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
	ends := func(code int, args ...string) (stdout, stderr string) {
		cmd, printed, said := program(t, folder, nil, args...), &bytes.Buffer{}, &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = printed, said
		_ = cmd.Run() // the exit code is compared
		require.Equal(t, code, cmd.ProcessState.ExitCode(), said)
		return printed.String(), said.String()
	}
	ends(0, "generate", "orders.yaml")
	data, err := os.ReadFile(filepath.Join(folder, "orders.hyper"))
	require.NoError(t, err)
	remote := storage.Join(bucket, "out/orders.hyper")
	require.NoError(t, storage.Put(t.Context(), remote, data))

	stdout, _ := ends(0, "diff", remote, "orders.hyper")
	assert.Equal(t, "equal: "+remote+" and orders.hyper\n", stdout)
	ends(0, "generate", "orders.yaml", "--set", "tables.0.source.where=o_orderkey > 7")
	stdout, stderr := ends(1, "diff", remote, "orders.hyper")
	assert.Contains(t, stdout, "rows only here")
	assert.Contains(t, stderr, "A "+remote+" and B orders.hyper differ: \"Extract\".\"Extract\": 15,000 and 14,993 rows, 7 rows only in A and 0 only in B")
	_, stderr = ends(2, "diff", remote, storage.Join(bucket, "out/none.hyper"))
	assert.Contains(t, stderr, "there is no file "+storage.Join(bucket, "out/none.hyper"))
}
