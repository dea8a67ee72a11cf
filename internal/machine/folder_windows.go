package machine

import "io/fs"

// closedToOthers is true: every user has a folder for temporary files of their own.
func closedToOthers(fs.FileInfo) bool { return true }
