package lock

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"hyperlake/internal/storage"
)

// Holder is what stands in a lock, for those who find it taken. Anybody who may write there may have written it.
type Holder struct {
	RunID   string    `json:"run_id"`
	Host    string    `json:"host"`
	Process int       `json:"process"`
	Since   time.Time `json:"since"`
}

// String names the holder, as far as he is known.
func (h Holder) String() string {
	if h.RunID == "" {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s (run %s, since %s UTC)", h.Process, h.Host, h.RunID, h.Since.UTC().Format(time.DateTime))
}

// Brief names the holder in few words, for a line that is drawn again and again; empty if he is not known.
func (h Holder) Brief() string {
	if h.RunID == "" {
		return ""
	}
	layout := "15:04"
	if time.Since(h.Since) >= 24*time.Hour {
		layout = "2006-01-02 15:04"
	}
	return fmt.Sprintf("run %s on %s, since %s UTC", h.RunID, h.Host, h.Since.UTC().Format(layout))
}

// maxHolderBytes bounds what is read of a lock.
const maxHolderBytes = 64 << 10

// signature is what stands in a lock.
func signature(runID string) []byte {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	text, err := json.Marshal(Holder{RunID: runID, Host: host, Process: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return nil
	}
	return append(text, '\n')
}

// sign writes down who has the lock. It holds without that, too: where nobody can write to
// a locked file, others are not told the name.
func (l *Lock) sign(runID string) {
	if file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_TRUNC|storage.AsItIs, 0); err == nil {
		_, _ = file.Write(signature(runID))
		_ = file.Close()
	}
}

// holder is who has the lock, as far as that can be read.
func (l *Lock) holder() Holder {
	file, err := os.OpenFile(l.path, os.O_RDONLY|storage.AsItIs, 0)
	if err != nil {
		return Holder{}
	}
	defer file.Close()
	if stat, err := file.Stat(); err != nil || !stat.Mode().IsRegular() { // at the other end of a pipe may be nobody who writes
		return Holder{}
	}
	text, err := io.ReadAll(io.LimitReader(file, maxHolderBytes))
	if err != nil {
		return Holder{}
	}
	return readHolder(text)
}

// readHolder reads a signature; of what is none, nobody is the holder.
func readHolder(text []byte) Holder {
	var holder Holder
	if json.Unmarshal(text, &holder) != nil {
		return Holder{}
	}
	return holder
}
