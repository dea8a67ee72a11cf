package machine

import (
	"fmt"
	"regexp"
	"runtime"

	"hyperlake/internal/failure"
)

const (
	// minFiles is how many files this process and hyperd must each be able to have open.
	minFiles = 64

	// manyFiles is how many files are enough for everybody: some programs look at each that
	// they might have open.
	manyFiles = 1 << 20
)

// minTasks is about how many more processes and threads there are when this process is at
// work, with hyperd and the guard.
func minTasks() uint64 { return uint64(24 + 4*runtime.NumCPU()) }

// taskLimit is a bound of how many processes and threads there may be.
type taskLimit struct {
	most, taken uint64
	whose, name string // as people know it
	hint        string
}

// CheckLimits says whether the limits of this process and of its user leave room for hyperd
// and for itself. Its errors name the one that does not, and are of kind Engine.
func CheckLimits() error {
	if most, known := fileLimit(); known && most < minFiles {
		return failure.New(failure.Engine, "a process may have %d files open at a time (ulimit -n), but %d are needed at least", most, minFiles).
			WithHint("raise the limit, for example with `ulimit -n 1024`")
	}
	for _, limit := range taskLimits() {
		if err := limit.check(minTasks()); err != nil {
			return err
		}
	}
	return nil
}

// check is nil where so many more may be.
func (l taskLimit) check(needed uint64) error {
	if l.taken+needed <= l.most {
		return nil
	}
	return failure.New(failure.Engine, "%s may have %d processes and threads at a time (%s), of which %d are taken, but %d more are needed",
		l.whose, l.most, l.name, l.taken, needed).WithHint("%s", l.hint)
}

// What C and C++ libraries say when they meet a limit.
var (
	tooFewTasks = regexp.MustCompile(`pthread_create failed|[Cc]ould not spawn thread|thread constructor failed`)
	tooFewFiles = regexp.MustCompile(`[Tt]oo many open files`)
)

// HintOfLimits says what to do where a program that this one started met a limit, as what it
// said tells; empty if it met none.
func HintOfLimits(said string) string {
	switch {
	case tooFewTasks.MatchString(said):
		return fmt.Sprintf("it could start no more threads: see how many processes this user may have "+
			"(ulimit -u, or the limit of the container); some %d are needed", minTasks())
	case tooFewFiles.MatchString(said):
		return "it could open no more files: raise the limit, for example with `ulimit -n 1024`"
	}
	return ""
}
