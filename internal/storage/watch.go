package storage

import (
	"context"
	"io"
	"os"
)

// Work is how far a file is that is read or written whole.
type Work struct {
	Doing       string // hash, upload, download or copy
	Done, Total int64  // bytes; what is begun anew counts from 0 again
}

// watchStep is how many bytes are done, at least, before who watches is told again.
const watchStep = 4 << 20

type watchKey struct{}

// Watch returns a context within which tell learns of how far a file is: when [SHA256], [Upload], [Download], [Copy] and [MoveFile]
// begin, every few MiB, and when the last byte is done, each time from the goroutine that works. What is renamed, or what a service
// copies by itself, is not told.
func Watch(ctx context.Context, tell func(Work)) context.Context {
	return context.WithValue(ctx, watchKey{}, tell)
}

// watched is w, which tells who watches within the context, if anybody does, of what is written to it.
func watched(ctx context.Context, w io.Writer, doing string, total int64) io.Writer {
	tell, isWatched := ctx.Value(watchKey{}).(func(Work))
	if !isWatched {
		return w
	}
	work := Work{Doing: doing, Total: total}
	tell(work)
	return &watchedWriter{Writer: w, work: work, tell: tell}
}

// watchedWriter counts what is written.
type watchedWriter struct {
	io.Writer
	work Work
	told int64 // bytes
	tell func(Work)
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.work.Done += int64(n)
	if w.work.Done-w.told >= watchStep || w.work.Done == w.work.Total {
		w.told = w.work.Done
		w.tell(w.work)
	}
	return n, err
}

// sizeOf is the size of a file that is open, 0 if it is not known.
func sizeOf(file *os.File) int64 {
	info, err := file.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}
