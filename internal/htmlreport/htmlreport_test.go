package htmlreport_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/htmlreport"
)

func decode(t *testing.T, name string) *htmlreport.Report {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	report, err := htmlreport.Decode(data)
	require.NoError(t, err)
	return report
}

func render(t *testing.T, name string) string {
	t.Helper()
	page, err := htmlreport.HTML(decode(t, name))
	require.NoError(t, err)
	return string(page)
}

// TestGolden compares pages with what stands beside their reports. UPDATE_GOLDEN=1 writes
// them anew.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"full", "failed", "rejected"} {
		got, path := render(t, name), filepath.Join("testdata", name+".html")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(want), got, "%s", name)
	}
}

func TestScratch(t *testing.T) {
	for _, n := range []string{"hostile", "bare"} {
		os.WriteFile("/tmp/h7/"+n+".html", []byte(render(t, n)), 0o644)
	}
	data, _ := os.ReadFile("/tmp/h7/tpch.json")
	r, err := htmlreport.Decode(data)
	require.NoError(t, err)
	p, _ := htmlreport.HTML(r)
	os.WriteFile("/tmp/h7/tpch.html", p, 0o644)
}
