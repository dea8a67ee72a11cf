// Package directtest runs pipelines of tests on the engine in this process, and shows what
// comes out of them.
package directtest

import (
	"slices"
	"sync"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/google/uuid"

	"hyperlake/runners/direct"
)

func init() {
	beam.RegisterDoFn(&collectFn{})
}

// Result is what a pipeline gave.
type Result struct {
	Lines  [][]string       // of each collection, sorted
	Counts map[string]int64 // the counters of the namespace "hyperlake", summed over the job
}

// Run builds a pipeline and runs it to its end. build returns collections of strings to look at.
func Run(t testing.TB, build func(s beam.Scope) []beam.PCollection) (Result, error) {
	t.Helper()
	direct.InitBeam()
	pipeline, s := beam.NewPipelineWithRoot()
	var boards []string
	for _, collection := range build(s) {
		board := uuid.NewString()
		boards = append(boards, board)
		beam.ParDo0(s, &collectFn{Board: board}, collection)
	}
	var result Result
	err := direct.Run(t.Context(), pipeline, direct.Options{
		Workers: 2, Namespace: "hyperlake", Progress: func(counts map[string]int64) { result.Counts = counts },
	})
	for _, board := range boards {
		result.Lines = append(result.Lines, take(board))
	}
	return result, err
}

// collected are the lines of all boards.
var collected = struct {
	sync.Mutex
	lines map[string][]string
}{lines: map[string][]string{}}

func take(board string) []string {
	collected.Lock()
	defer collected.Unlock()
	lines := collected.lines[board]
	delete(collected.lines, board)
	slices.Sort(lines)
	return lines
}

// collectFn writes strings on a board.
type collectFn struct{ Board string }

// ProcessElement keeps one string.
func (fn *collectFn) ProcessElement(line string) {
	collected.Lock()
	defer collected.Unlock()
	collected.lines[fn.Board] = append(collected.lines[fn.Board], line)
}
