package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// measure runs hyperlake on a configuration once.
func (r *result) measure(program, config string) error {
	cmd := exec.Command(program, "generate", config, "--quiet")
	cmd.Stderr = os.Stderr
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case err := <-done:
			r.Seconds = append(r.Seconds, time.Since(started).Seconds())
			return err
		case <-time.After(20 * time.Millisecond):
			r.HyperlakeBytes = max(r.HyperlakeBytes, peak(cmd.Process.Pid))
			for _, child := range children(cmd.Process.Pid) {
				r.HyperdBytes = max(r.HyperdBytes, peak(child))
			}
		}
	}
}

// peak is the most memory that a process had so far, in bytes; 0 where the system does not say.
func peak(pid int) int64 {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// children are the processes that a process started.
func children(pid int) []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var found []int
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}
