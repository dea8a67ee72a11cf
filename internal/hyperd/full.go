package hyperd

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// places are folders in which hyperd writes. Safe for concurrent use.
type places struct {
	mu      sync.Mutex
	folders map[string]bool
}

// note remembers the folder of a file.
func (p *places) note(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.folders == nil {
		p.folders = map[string]bool{}
	}
	p.folders[filepath.Dir(path)] = true
}

// all are the folders, and that for temporary files, where hyperd keeps what memory does not
// hold.
func (p *places) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(slices.Sorted(maps.Keys(p.folders)), os.TempDir())
}

const (
	// noneLeft is so little room that a disk which has no more is full.
	noneLeft = 64 << 10

	// diskFull is the SQLSTATE of a disk without room.
	diskFull = "53100"
)

// wordsOfFullDisks are what hyperd says when it cannot write for lack of room.
var wordsOfFullDisks = regexp.MustCompile(`(?i)growing the database file failed|no space left|` +
	`unable to write compressed datablock|temp_disk_space_limit|disk (is )?full`)

// wordsOfItsLimit are what hyperd says when it may have no more memory, whatever it was doing.
var wordsOfItsLimit = regexp.MustCompile(`Cannot allocate \d+ bytes of memory`)

// hintOfItsLimit says what to do where hyperd may have no more memory; empty if that is not said.
func hintOfItsLimit(words string) string {
	if !wordsOfItsLimit.MatchString(words) {
		return ""
	}
	return "set hyperd.memory_limit higher, or give the machine more memory"
}

// saysFull says whether words of hyperd are about a full disk.
func saysFull(words string) bool {
	return wordsOfFullDisks.MatchString(words) && !wordsOfItsLimit.MatchString(words)
}

const (
	// unallocated is what hyperd says when the file for temporary data that it takes for memory
	// cannot grow. Of memory itself, it says how much is wanting.
	unallocated = "unable to allocate memory"

	// growsBy is about as much as that file grows by at a time.
	growsBy = 64 << 20
)

// fullTemporary says whether an answer is for want of room in the folder for temporary files.
func fullTemporary(words string) (folder string, full bool) {
	folder, free, known := storage.LeastRoom([]string{os.TempDir()})
	return folder, known && free < growsBy && strings.Contains(words, unallocated)
}

// filesTooLarge is how a program ends whose files may grow no larger.
const filesTooLarge = "file size limit exceeded"

// fullDisk says whether a hyperd that ended has met a full disk: by its last words, or by
// what is left of the disks that it wrote to. Which of them it was is a guess by the latter.
func (p *process) fullDisk() (folder string, full bool) {
	folder, free, known := storage.LeastRoom(p.written.all())
	return folder, saysFull(p.output.String()) || known && free < noneLeft
}

// refusedForRoom says whether an answer of hyperd is for want of room on a disk.
func (p *process) refusedForRoom(answer *pgconn.PgError) (folder string, full bool) {
	words := answer.Message + answer.Detail
	if folder, full := fullTemporary(words); full {
		return folder, true
	}
	if !strings.HasPrefix(answer.Code, lacksResources) && !saysFull(words) {
		return "", false
	}
	folder, free, known := storage.LeastRoom(p.written.all())
	return folder, answer.Code == diskFull || saysFull(words) || known && free < noneLeft
}

// noRoom is the failure of hyperd to write below a folder.
func noRoom(folder, format string, args ...any) *failure.Error {
	return failure.New(failure.Storage, format, args...).OnFullDisk().WithHint("%s", storage.RoomHint(folder))
}

// greeting is what every hyperd prints when it starts.
var greeting = regexp.MustCompile(`^(--no-password option is specified: this is a security risk )?` +
	`(hyperd server version .*? listening on \S+ ?)?`)

func withoutGreeting(said string) string { return greeting.ReplaceAllString(said, "") }
