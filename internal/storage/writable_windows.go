package storage

// CheckWritable finds nothing out: on Windows only trying does.
func CheckWritable(string) error { return nil }
