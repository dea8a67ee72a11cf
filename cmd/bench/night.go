package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// night is an extract of which only what changed is made anew.
type night struct{ name, lake string }

// run is a night, before which something becomes of the lake or the state.
func (n night) run(name string, files int, rows int64, before func(b bench) error) benchCase {
	return benchCase{name: name, files: files, rows: rows, isHyperlake: true, args: func(b bench) ([]string, error) {
		if before != nil {
			if err := before(b); err != nil {
				return nil, err
			}
		}
		path := b.path(n.name + ".yaml")
		text := fmt.Sprintf("name: %s\nrefresh: {mode: changed}\ntables: [{source: {uri: %s}}]\n", n.name, n.lake)
		return []string{b.program, "generate", path, "--quiet", "--report", b.path("report.json")}, os.WriteFile(path, []byte(text), 0o600)
	}}
}

// forget has everything made anew.
func (n night) forget(b bench) error { return os.RemoveAll(b.path(n.name + ".hyperlake")) }

// touch has one unit made anew.
func (n night) touch(b bench) error {
	files, err := filepath.Glob(filepath.Join(b.path(n.lake), "*", "*.parquet"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no files in %s: %w", n.lake, err)
	}
	now := time.Now()
	return os.Chtimes(files[len(files)/2], now, now)
}
