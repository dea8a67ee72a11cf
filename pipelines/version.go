package pipelines

import (
	"cmp"
	"runtime/debug"
	"strings"
)

// release and commit are what the linker is told by builds that people get: -ldflags "-X hyperlake/pipelines.release=0.1.0 -X
// hyperlake/pipelines.commit=HASH".
var release, commit string

// Version is that of this program, such as 0.1.0: what the linker was told, else what Go recorded; devel where neither says one.
func Version() string {
	recorded := ""
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "(devel)" {
		recorded = info.Main.Version
	}
	return strings.TrimPrefix(cmp.Or(release, recorded, "devel"), "v")
}

// Commit is the commit of git that this program was built of, as the linker was told, else as Go recorded it; empty where neither did.
func Commit() string {
	if commit != "" {
		return commit
	}
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return ""
}
