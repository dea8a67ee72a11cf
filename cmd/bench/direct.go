package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hyperlake/internal/hyperd"
)

// loadDirect has hyperd load a folder of Parquet files by itself: the floor that everything
// else is compared with. All files go into one statement, or each into its own.
func loadDirect(ctx context.Context, folder, target string, perFile bool) error {
	files, err := filepath.Glob(filepath.Join(folder, "*", "*.parquet"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no files in %s: %w", folder, err)
	}
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
	if err := os.Remove(target); err != nil && !os.IsNotExist(err) {
		return err
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s", hyperd.QuoteName(target))); err != nil {
		return err
	}
	if err := conn.Attach(ctx, target, "x"); err != nil {
		return err
	}
	for i, file := range files {
		files[i] = hyperd.QuoteText(file)
	}
	all := "ARRAY[" + strings.Join(files, ", ") + "]"
	statements := []string{
		`CREATE SCHEMA x."Extract"`,
		fmt.Sprintf(`CREATE TABLE x."Extract"."Extract" AS SELECT * FROM external(%s, format => 'parquet') LIMIT 0`, all),
	}
	sources := []string{all}
	if perFile {
		sources = files
	}
	for _, source := range sources {
		statements = append(statements, fmt.Sprintf(`COPY x."Extract"."Extract" FROM %s WITH (FORMAT parquet)`, source))
	}
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return conn.Detach(ctx, "x")
}
