package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// result is what one case took, in every round and in the middle.
type result struct {
	Name          string    `json:"name"`
	Files         int       `json:"files"`
	Rows          int64     `json:"rows"`
	Seconds       []float64 `json:"seconds"`
	MedianSeconds float64   `json:"median_seconds"`
	RowsPerSecond float64   `json:"rows_per_second"`

	// Processor is the processor time of all processes, of every round, in seconds.
	Processor       []float64 `json:"processor_seconds"`
	MedianProcessor float64   `json:"median_processor_seconds"`

	// Server is that of a database server that was asked, of every round.
	Server []float64 `json:"server_processor_seconds,omitempty"`

	// Of the process itself and of those that it starts, above all hyperd: the processor
	// time of the last round, and the most memory of any round.
	CPU       float64 `json:"cpu_seconds"`
	OtherCPU  float64 `json:"other_cpu_seconds"`
	PeakBytes int64   `json:"peak_bytes"`
	OtherPeak int64   `json:"other_peak_bytes"`

	// Of hyperlake, in the last round.
	BytesPerSecond float64            `json:"bytes_per_second,omitempty"` // of Parquet that was read
	OutputBytes    int64              `json:"output_bytes,omitempty"`
	Stages         map[string]float64 `json:"stage_seconds,omitempty"`
	WeekSeconds    float64            `json:"week_query_seconds,omitempty"` // to add up what was shipped in a week

	bytesIn int64
}

// measureWithServer runs a command once, and measures the server that it asks as well.
func (r *result) measureWithServer(args []string) error {
	server, err := findServer()
	if err != nil {
		return err
	}
	before := server.processor()
	err = r.measure(args)
	r.Server = append(r.Server, server.processor()-before)
	return err
}

// measure runs a command once.
func (r *result) measure(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	others := map[int]float64{}
	for {
		select {
		case err := <-done:
			r.Seconds = append(r.Seconds, time.Since(started).Seconds())
			r.OtherCPU = 0
			for _, seconds := range others {
				r.OtherCPU += seconds
			}
			all := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // the system adds those that ended
			r.CPU = max(all.Seconds()-r.OtherCPU, 0)
			r.Processor = append(r.Processor, all.Seconds())
			return err
		case <-time.After(20 * time.Millisecond):
			r.PeakBytes = max(r.PeakBytes, peak(cmd.Process.Pid))
			for _, child := range children(cmd.Process.Pid) {
				r.OtherPeak = max(r.OtherPeak, peak(child))
				others[child] = max(others[child], cpu(child))
			}
		}
	}
}

// addReport takes figures from the report of a run.
func (r *result) addReport(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var report struct {
		Output struct {
			Bytes int64 `json:"bytes"`
		} `json:"output"`
		Tables []struct {
			BytesIn int64 `json:"bytes_in"`
		} `json:"tables"`
		Stages []struct {
			Name    string  `json:"name"`
			Seconds float64 `json:"seconds"`
		} `json:"stages"`
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return err
	}
	r.OutputBytes, r.Stages, r.bytesIn = report.Output.Bytes, map[string]float64{}, 0
	for _, table := range report.Tables {
		r.bytesIn += table.BytesIn
	}
	for _, stage := range report.Stages {
		r.Stages[stage.Name] = stage.Seconds
	}
	return nil
}

// finish computes what follows from the rounds.
func (r *result) finish() {
	r.MedianSeconds, r.MedianProcessor = median(r.Seconds), median(r.Processor)
	r.RowsPerSecond = float64(r.Rows) / r.MedianSeconds
	r.BytesPerSecond = float64(r.bytesIn) / r.MedianSeconds
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
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

// ticks is how many units of processor time the system counts in a second.
const ticks = 100

// cpu is the processor time of a process so far, in seconds.
func cpu(pid int) float64 { return times(pid, 11) }

// cpuOfEnded is that of the processes that it started and that ended.
func cpuOfEnded(pid int) float64 { return times(pid, 13) }

// times adds two numbers of what the system says of a process.
func times(pid, first int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name may hold blanks
	fields := strings.Fields(after)
	if len(fields) < first+2 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[first], 64)
	system, _ := strconv.ParseFloat(fields[first+1], 64)
	return (user + system) / ticks
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
