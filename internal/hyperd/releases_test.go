package hyperd

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReleasesAreComplete(t *testing.T) {
	for platform, pinned := range releases {
		t.Run(platform, func(t *testing.T) {
			require.Len(t, pinned, 2)
			assert.Equal(t, pip, pinned[0].tool, "the faster build comes first")
			assert.Equal(t, npm, pinned[1].tool)
			assert.NotEqual(t, pinned[0].path(""), pinned[1].path(""), "one must not overwrite the other")
			for _, r := range pinned {
				assert.Greater(t, r.size, int64(200<<20))
				assert.Equal(t, strings.HasPrefix(platform, "windows/"), strings.HasSuffix(r.member, ".exe"))
				assert.Equal(t, r.tool == pip, r.tag != "")
				assert.Regexp(t, `^\d+\.\d+\.\d+$`, r.hyperd)
				assert.NotEmpty(t, r.texts)
				assertChecksum(t, r)
			}
		})
	}
}

func assertChecksum(t *testing.T, r release) {
	t.Helper()
	if r.tool == pip {
		sum, err := hex.DecodeString(strings.TrimPrefix(r.checksum, "sha256:"))
		require.NoError(t, err)
		assert.Len(t, sum, 32)
		return
	}
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.checksum, "sha512-"))
	require.NoError(t, err)
	assert.Len(t, sum, 64)
}

func TestByHand(t *testing.T) {
	linux := releases["linux/amd64"]
	assert.Equal(t, "python3 -m pip download --no-deps --only-binary=:all: --platform manylinux2014_x86_64 --dest . tableauhyperapi==0.0.26963", linux[0].byHand())
	assert.Equal(t, "npm pack hyperdb-mcp-linux-x64-gnu@0.7.3 --pack-destination . --ignore-scripts", linux[1].byHand())
}
