//go:build unix

package machine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// RaiseFileLimit has this process and those that it starts open as many files as the hard
// limit allows. Go raises the soft limit by itself, but not for what it starts.
func RaiseFileLimit() {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	limit.Cur = min(limit.Max, manyFiles)
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) // where it fails, it stays as it is
}

func fileLimit() (most uint64, known bool) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return limit.Cur, err == nil
}

// taskLimits are the bounds that hold for this process, as far as they can be read.
func taskLimits() []taskLimit {
	var limits []taskLimit
	var ofUser unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &ofUser); err == nil && os.Geteuid() != 0 { // root has none
		limits = append(limits, taskLimit{
			most: ofUser.Cur, taken: tasksOf(os.Getuid()), whose: "this user", name: "ulimit -u",
			hint: "raise the limit, for example with `ulimit -u 4096`, or end other processes of this user",
		})
	}
	group := ownGroup()
	most, err := readNumber(filepath.Join(group, "pids.max")) // which may be max
	taken, err2 := readNumber(filepath.Join(group, "pids.current"))
	if err == nil && err2 == nil {
		limits = append(limits, taskLimit{
			most: most, taken: taken, whose: "this container", name: "pids.max of its control group",
			hint: "raise the limit of the container or of the service, such as --pids-limit or TasksMax",
		})
	}
	return limits
}

// tasksOf counts the threads of a user, 0 where the system does not tell.
func tasksOf(uid int) uint64 {
	paths, _ := filepath.Glob("/proc/[0-9]*/status") // the pattern is well-formed
	var tasks uint64
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := map[string]string{}
		for line := range strings.Lines(string(data)) {
			if name, value, ok := strings.Cut(line, ":"); ok {
				fields[name] = strings.TrimSpace(value)
			}
		}
		owner, _, _ := strings.Cut(fields["Uid"], "\t")
		if threads, err := strconv.ParseUint(fields["Threads"], 10, 64); err == nil && owner == strconv.Itoa(uid) {
			tasks += threads
		}
	}
	return tasks
}

// ownGroup is the folder of this process's control group, of version 2.
func ownGroup() string {
	data, _ := os.ReadFile("/proc/self/cgroup") // without it, the root has to do
	for line := range strings.Lines(string(data)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return filepath.Join("/sys/fs/cgroup", strings.TrimSpace(path))
		}
	}
	return "/sys/fs/cgroup"
}

func readNumber(path string) (uint64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
}
