package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hyperlake/internal/hyperd"
)

// measured are the rates that this machine tells, with what the model does not use: how fast
// a file is copied, partials are inserted by a statement each, and the largest is published to
// the fake server on this machine. What hyperd does is told by its processor time, as if it had all
// cores to itself: what else the machine does then hardly counts.
type measured struct {
	Copy      float64 `json:"copy_bytes_per_second"`
	Hash      float64 `json:"hash_bytes_per_second"`
	Insert    float64 `json:"insert_bytes_per_second"`
	InsertOne float64 `json:"insert_one_by_one_bytes_per_second"`
	Rows      float64 `json:"insert_rows_per_second"`
	Attach    float64 `json:"attach_seconds"`
	Content   float64 `json:"content_bytes_per_second"`
	Append    float64 `json:"append_seconds"`
	Publish   float64 `json:"publish_to_fake_bytes_per_second"`
}

// partials are the files to measure with, the largest first. They are only read.
type partials struct {
	paths   []string
	bytes   []int64
	scratch string // folder on the same disk
}

// printMeasured measures and prints what it found. The smallest partial should hold few
// rows: it stands for an append that takes no time for its bytes.
func printMeasured(ctx context.Context, folder, program string) (err error) {
	p, err := findPartials(folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.scratch)) }()
	var m measured
	for _, step := range []func() error{
		func() error { return p.measureFile(&m) },
		func() error { return p.measureMerge(ctx, &m) },
		func() error { return p.measurePublish(ctx, program, &m) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(m)
}

func findPartials(folder string) (p partials, err error) {
	if folder, err = filepath.Abs(folder); err != nil {
		return p, err
	}
	if p.paths, err = filepath.Glob(filepath.Join(folder, "*.hyper")); err != nil {
		return p, err
	}
	if len(p.paths) < 3 {
		return p, fmt.Errorf("%s holds %d partials; it takes three, one of them small", folder, len(p.paths))
	}
	size := map[string]int64{}
	for _, path := range p.paths {
		stat, err := os.Stat(path)
		if err != nil {
			return p, err
		}
		size[path] = stat.Size()
	}
	slices.SortFunc(p.paths, func(a, b string) int { return int(size[b] - size[a]) })
	for _, path := range p.paths {
		p.bytes = append(p.bytes, size[path])
	}
	p.scratch, err = os.MkdirTemp(folder, ".measure-")
	return p, err
}

// timed is how many seconds something takes.
func timed(do func() error) (float64, error) {
	started := time.Now()
	err := do()
	return time.Since(started).Seconds(), err
}

func (p partials) measureFile(m *measured) error {
	seconds, err := timed(func() error { return copyTo(p.paths[0], filepath.Join(p.scratch, "copy.hyper")) })
	if err != nil {
		return err
	}
	m.Copy = float64(p.bytes[0]) / seconds
	seconds, err = timed(func() error {
		file, err := os.Open(p.paths[0])
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(sha256.New(), file)
		return err
	})
	m.Hash = float64(p.bytes[0]) / seconds
	return err
}

func copyTo(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Sync(), target.Close()) }()
	_, err = io.Copy(target, source)
	return err
}

// measureMerge inserts all partials but the first into a copy of it: by one statement, and
// into another copy by a statement each.
func (p partials) measureMerge(ctx context.Context, m *measured) error {
	lease, err := hyperd.Acquire(ctx, hyperd.Config{})
	if err != nil {
		return err
	}
	defer hyperd.Shutdown()
	defer lease.Release()
	conn, err := lease.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var rest float64
	for _, size := range p.bytes[1:] {
		rest += float64(size)
	}
	together, rows, attach, err := p.insert(ctx, conn, "together", len(p.paths))
	if err != nil {
		return err
	}
	single, _, _, err := p.insert(ctx, conn, "single", 1)
	m.Insert, m.InsertOne, m.Rows, m.Attach = rest/together, rest/single, float64(rows)/together, attach
	return err
}

// insert inserts so many partials by one statement, into a copy of the first of a name. It
// returns the seconds of the statements, and those of opening and closing one partial.
func (p partials) insert(
	ctx context.Context, conn *hyperd.Conn, name string, atOnce int,
) (seconds float64, rows int64, attach float64, err error) {
	base := filepath.Join(p.scratch, name+".hyper")
	if err := copyTo(p.paths[0], base); err != nil {
		return 0, 0, 0, err
	}
	if err := conn.Attach(ctx, base, name); err != nil {
		return 0, 0, 0, err
	}
	const table = `"Extract"."Extract"`
	for chunk := range slices.Chunk(p.paths[1:], atOnce) {
		var sources []string
		for i := range chunk {
			sources = append(sources, fmt.Sprintf("SELECT * FROM part%d.%s", i, table))
		}
		opening, err := timed(func() error {
			for i, path := range chunk {
				if err := conn.AttachReadOnly(ctx, path, fmt.Sprintf("part%d", i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, 0, 0, err
		}
		var inserted int64
		inserting, err := busy(func() (err error) {
			inserted, err = conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s.%s %s", name, table, strings.Join(sources, " UNION ALL ")))
			return err
		})
		if err != nil {
			return 0, 0, 0, err
		}
		closing, err := timed(func() error {
			for i := range chunk {
				if err := conn.Detach(ctx, fmt.Sprintf("part%d", i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, 0, 0, err
		}
		seconds, rows, attach = seconds+inserting, rows+inserted, attach+opening+closing
	}
	return seconds, rows, attach / float64(len(p.paths)-1), conn.Detach(ctx, name)
}
