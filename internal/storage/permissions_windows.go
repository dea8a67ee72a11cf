package storage

import "io/fs"

// umask is nothing: Windows lets files inherit the rights of their folders.
const umask fs.FileMode = 0

// keepOwner leaves owners and groups to Windows.
func keepOwner(given, fs.FileInfo) bool { return true }
