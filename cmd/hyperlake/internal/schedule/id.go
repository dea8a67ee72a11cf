package schedule

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// maxID is the length that Kubernetes leaves for the name of a CronJob, which is the shortest of all platforms.
const maxID = 52

// prefix is what ids begin with.
const prefix = "hyperlake-"

// noID matches what ids do not hold.
var noID = regexp.MustCompile(`[^a-z0-9]+`)

// ID is the name of the night where it is that of a file, a unit or an object: hyperlake- and the name of the configuration. Where the name
// holds other characters than small letters, digits and single hyphens, or is long, a part of its checksum
// keeps it apart from others.
func (n Night) ID() string {
	plain := strings.Trim(noID.ReplaceAllString(n.Name, "-"), "-")
	if plain == n.Name && plain != "" && len(prefix+plain) <= maxID {
		return prefix + plain
	}
	plain = strings.Trim(noID.ReplaceAllString(strings.ToLower(n.Name), "-"), "-")
	sum := sha256.Sum256([]byte(n.Name))
	end := hex.EncodeToString(sum[:4])
	plain = strings.TrimSuffix(plain[:min(len(plain), maxID-len(prefix)-len(end)-1)], "-")
	if plain == "" {
		return prefix + end
	}
	return prefix + plain + "-" + end
}
