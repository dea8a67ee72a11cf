package hyper

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/machine"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
)

const (
	// MemoryFolder is where Linux keeps files in memory.
	MemoryFolder = "/dev/shm"

	// autoSpoolBytes is the bound of a spool for which none is given. A statement loads what
	// waits in the spool: with much less, hyperd spends its time on beginnings and ends.
	autoSpoolBytes = 1536 << 20

	// minMemoryBytes is how large a spool should at least be able to be, to be in memory.
	minMemoryBytes = 384 << 20

	// minSpoolBytes holds the segments that are loaded at once and one more, with batches
	// of the usual size.
	minSpoolBytes = 64 << 20

	// autoPart is the part of a folder's free space that such spools take at most, those of
	// all workers of the machine together.
	autoPart = 4
)

// SpoolConfig is the spool section of a configuration: where a worker keeps rows on their
// way into hyperd, as segments and as copies of remote files. Its zero value is the default.
type SpoolConfig struct {
	// Path is an existing folder, absolute. Empty: in memory where there is room, else the
	// folder for temporary files.
	Path string `yaml:"path" json:"path,omitempty"`

	// MaxBytes is a size such as 2g that the spool does not exceed, or auto (the default).
	MaxBytes string `yaml:"max_bytes" json:"max_bytes,omitempty"`

	// Sharers is how many bundles of a worker load at the same time, each with its part of
	// MaxBytes. 0 is 1.
	Sharers int `yaml:"-" json:"sharers,omitempty"`
}

var spoolSize = regexp.MustCompile(`^([1-9][0-9]{0,5})([kmgt])$`)

// Validate reports the first value that is not accepted, naming its key and what is, as a failure of kind Config.
func (c SpoolConfig) Validate() error {
	if _, err := c.maxBytes(); err != nil {
		return failure.New(failure.Config, "spool.max_bytes: %w", err).
			WithHint("accepted: auto, or a size such as 2g (with the unit k, m, g or t), of 64m or more")
	}
	return nil
}

// maxBytes is the bound that was asked for; 0 if none was.
func (c SpoolConfig) maxBytes() (int64, error) {
	if c.MaxBytes == "" || c.MaxBytes == "auto" {
		return 0, nil
	}
	parts := spoolSize.FindStringSubmatch(strings.ToLower(c.MaxBytes))
	if parts == nil {
		return 0, fmt.Errorf("%q is no size", c.MaxBytes)
	}
	size, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return 0, err
	}
	size <<= 10 * (1 + strings.Index("kmgt", parts[2]))
	if size < minSpoolBytes {
		return 0, fmt.Errorf("%s is too small", c.MaxBytes)
	}
	return size, nil
}

// MostBytes is what the spool of a bundle holds at most; where there is little room, it is
// less. The config is a valid one.
func (c SpoolConfig) MostBytes() int64 {
	asked, err := c.maxBytes()
	if err != nil || asked == 0 {
		asked = autoSpoolBytes
	}
	return c.share(asked)
}

// share is the part of one bundle.
func (c SpoolConfig) share(bytes int64) int64 {
	return max(bytes/int64(max(c.Sharers, 1)), minSpoolBytes)
}

// spool is the folder of one loader, and how much may be in it.
type spool struct {
	folder   string
	maxBytes int64
	scratch  *scratch.Folder // the folder once it is made
}

// open makes a folder of its own for a loader.
func (c SpoolConfig) open() (spool, error) {
	s, err := c.place()
	if err != nil {
		return spool{}, err
	}
	s.scratch, err = scratch.Make(s.folder, "spool-")
	if err != nil && s.folder != c.Path && s.folder != os.TempDir() { // memory with room, but not for us
		c.Path = os.TempDir()
		return c.open()
	}
	if err != nil {
		return spool{}, failure.New(failure.Storage, "make a folder for the spool: %w", err).
			WithHint("%s", cmp.Or(storage.Hint(err), "check that the folder can be written, or set spool.path"))
	}
	s.folder = s.scratch.Path
	return s, nil
}

// Try makes the folder of a spool, as every bundle does, and removes it. It returns where it
// was, and how many bytes a worker keeps there at most. Errors are failures of kind
// Storage with a hint.
func (c SpoolConfig) Try() (parent string, maxBytes int64, err error) {
	s, err := c.open()
	if err != nil {
		return "", 0, err
	}
	defer s.close()
	return filepath.Dir(s.folder), s.maxBytes * int64(max(c.Sharers, 1)), nil
}

// place finds a folder for the spool, and decides how large it may be.
func (c SpoolConfig) place() (spool, error) {
	asked, err := c.maxBytes()
	if err != nil {
		return spool{}, err
	}
	wanted := asked
	if asked == 0 {
		wanted = autoSpoolBytes
	}
	workers := machine.Workers()
	folder := c.Path
	if folder == "" {
		folder = os.TempDir()
		if free, err := storage.FreeBytes(MemoryFolder); err == nil && partOf(free, workers) >= cmp.Or(asked, minMemoryBytes) {
			folder = MemoryFolder
		}
	}
	if asked == 0 {
		free, err := storage.FreeBytes(folder)
		if err != nil {
			return spool{}, failure.New(failure.Storage, "look for room for the spool: %w", err).WithHint("set spool.path to a folder that exists")
		}
		wanted = min(wanted, partOf(free, workers))
	}
	return spool{folder: folder, maxBytes: c.share(wanted)}, nil
}

// partOf is what one of the workers of the machine may take of a folder's free space, by default.
func partOf(free uint64, workers int) int64 {
	return int64(free / autoPart / uint64(workers))
}

// segmentBytes is the part of a segment.
func (s spool) segmentBytes() int64 { return s.maxBytes / spoolSegments }

// close removes the folder and all it holds.
func (s spool) close() {
	if s.scratch != nil {
		_ = s.scratch.Remove() // what stays goes with the process
	}
}
