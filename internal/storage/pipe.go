package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// pipeWait is how long somebody is waited for at the other end of a pipe.
	pipeWait = 30 * time.Second

	// maxPipeBytes bounds what is read of a pipe, which does not say how much is to come.
	maxPipeBytes = 64 << 20
)

var errNoFile = errors.New("it is a pipe, a device or a socket, not a file")

// OpenPipe opens a pipe, as os.OpenFile does: it waits for somebody at the other end, but not for
// ever: it fails after half a minute, and with the cause of ctx when that is done. What is no pipe is opened as it
// is.
func OpenPipe(ctx context.Context, path string, flag int) (*os.File, error) {
	stat, err := os.Stat(path)
	if err != nil || stat.Mode()&fs.ModeNamedPipe == 0 {
		return os.OpenFile(path, flag, 0)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pipeWait,
		fmt.Errorf("%s is a pipe, and nobody was at its other end within %s", path, pipeWait))
	defer cancel()
	type opened struct {
		file *os.File
		err  error
	}
	came := make(chan opened, 1)
	go func() {
		file, err := os.OpenFile(path, flag, 0)
		came <- opened{file, err}
	}()
	select {
	case pipe := <-came:
		return pipe.file, pipe.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// readPipe reads what comes out of a pipe, as small files are read.
func readPipe(ctx context.Context, path string) ([]byte, error) {
	pipe, err := OpenPipe(ctx, path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer pipe.Close()
	defer context.AfterFunc(ctx, func() { _ = pipe.Close() })()
	data, err := io.ReadAll(io.LimitReader(pipe, maxPipeBytes+1))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err == nil && len(data) > maxPipeBytes:
		return nil, fmt.Errorf("%s is a pipe with more than %d MiB", path, maxPipeBytes>>20)
	}
	return data, err
}

// checkFile refuses what cannot be read from any place, or has no end.
func checkFile(path string, stat fs.FileInfo) error {
	if stat.Mode().IsRegular() || stat.IsDir() {
		return nil
	}
	return &fs.PathError{Op: "read", Path: path, Err: errNoFile}
}
