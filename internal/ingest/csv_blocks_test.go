package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/ingest"
)

// longCSV is a file of several blocks, in which some rows have lines within quotes and some are rejects. Its rows say on which line they
// begin.
func longCSV(seed uint64) (content string, rows [][]string, rejects []int64) {
	draw := rand.New(rand.NewPCG(seed, 7))
	var text strings.Builder
	text.WriteString("line,note\n")
	for line := int64(2); text.Len() < 3<<20; line++ {
		switch draw.IntN(40) {
		case 0:
			lines := draw.IntN(30)
			fmt.Fprintf(&text, "%d,\"a \"\"%s\"\n", line, strings.Repeat("x\n", lines))
			rows = append(rows, []string{strconv.FormatInt(line, 10), `a "` + strings.Repeat("x\n", lines)})
			line += int64(lines)
		case 1:
			fmt.Fprintf(&text, "%d,x\"y,\"\n", line)
			rejects = append(rejects, line)
		case 2:
			text.WriteString("\r\n")
		case 3:
			fmt.Fprintf(&text, "x%d,no number\n", line)
			rejects = append(rejects, line)
		default:
			note := strings.Repeat("-", draw.IntN(200))
			fmt.Fprintf(&text, "%d,.%s\r\n", line, note)
			rows = append(rows, []string{strconv.FormatInt(line, 10), "." + note})
		}
	}
	return text.String(), rows, rejects
}

// Blocks that several goroutines read arrive in the order of the files, with the lines that rows begin on.
func TestCSVOfManyBlocks(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var rows [][]string
	rejects := map[string][]int64{}
	for seed := range uint64(3) {
		path := filepath.Join(folder, fmt.Sprintf("%d.csv", seed))
		content, more, bad := longCSV(seed)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		rows, rejects[path] = append(rows, more...), bad
	}
	sink := readAs(t, ingest.NewCSV(csvOf(filepath.Join(folder, "*.csv"))), columns("line", arrow.PrimitiveTypes.Int64, "note", arrow.BinaryTypes.String))
	require.Len(t, sink.rows, len(rows))
	for i := range rows {
		require.Equal(t, rows[i], sink.rows[i])
	}
	found := map[string][]int64{}
	for _, r := range sink.rejects {
		found[r.File] = append(found[r.File], r.Line)
	}
	for path := range rejects {
		require.ElementsMatch(t, rejects[path], found[path])
	}
}

// refusing is a sink that fails, or ends the run, once it has some batches.
type refusing struct {
	taken
	batches int
	end     func() error
}

func (r *refusing) Batch(context.Context, arrow.Record) error {
	if r.batches--; r.batches == 0 {
		return r.end()
	}
	return nil
}

// However reading ends early, nothing goes on in the background.
func TestCSVThatEndsEarly(t *testing.T) { //nolint:paralleltest // it counts goroutines
	content, _, _ := longCSV(1)
	path := write(t, "f.csv", content)
	schema := columns("line", arrow.PrimitiveTypes.Int64, "note", arrow.BinaryTypes.String)
	full := errors.New("the disk is full")
	for name, isCancelled := range map[string]bool{"the sink fails": false, "the run is cancelled": true} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			sink := &refusing{batches: 2, end: func() error { return full }}
			want := full
			if isCancelled {
				sink.end, want = func() error { cancel(); return nil }, context.Canceled
			}
			_, err := ingest.NewCSV(csvOf(path)).Read(ctx, schema, sink)
			require.ErrorIs(t, err, want)
			for deadline := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
				require.True(t, time.Now().Before(deadline), "%d goroutines, and %d before", runtime.NumGoroutine(), before)
			}
		})
	}
}
