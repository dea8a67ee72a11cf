package checks

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/scratch"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
)

// Try has hyperd evaluate the SQL of the configuration's checks on tables without rows, so
// that a misspelt column is known before any data is read. It starts a hyperd only where there is
// such SQL; it leaves nothing behind. Without a hyperd it fails with one of kind Hyperd, else as
// [TryOn] does.
func Try(ctx context.Context, cfg *config.Config, plan *plan.Plan) error {
	if !cfg.HasSQLChecks() {
		return nil
	}
	folder, err := scratch.Make("", "")
	if err != nil {
		return failure.New(failure.Storage, "make a folder to try the checks in: %w", err)
	}
	defer func() { _ = folder.Remove() }() // what stays goes with the process
	lease, err := hyperd.Acquire(ctx, cfg.Hyperd)
	if err != nil {
		return err
	}
	defer lease.Release()
	return TryOn(ctx, cfg, plan, lease, folder.Path)
}

// TryOn is [Try] with a hyperd that runs and a folder for an extract without rows. The checks that hyperd
// refuses are one error of kind Config; what keeps it from trying them is of kind Hyperd or Storage.
func TryOn(ctx context.Context, cfg *config.Config, p *plan.Plan, lease *hyperd.Lease, folder string) error {
	if !cfg.HasSQLChecks() {
		return nil
	}
	empty, err := hyper.Merge(ctx, lease, p.Layout(), nil, filepath.Join(folder, "no-rows.hyper"))
	if err != nil {
		return err
	}
	reader, err := hyperd.Acquire(ctx, confined(cfg.Hyperd))
	if err != nil {
		return err
	}
	defer reader.Release()
	conn, err := reader.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // reading leaves nothing to lose
	if err := conn.AttachReadOnly(ctx, empty.Path, "extract"); err != nil {
		return fmt.Errorf("open %s: %w", empty.Path, err)
	}
	var wrong []error
	for i, table := range cfg.Tables {
		for j, check := range table.Checks {
			if check.SQL == "" {
				continue
			}
			refused, err := tryCheck(ctx, conn, check.SQL)
			if err != nil {
				return err
			}
			if refused != nil {
				key := fmt.Sprintf("tables[%d].checks[%d].sql", i, j)
				wrong = append(wrong, failure.New(failure.Config, "%s: %s: %w", cfg.Place(key), key, refused).
					WithHint("it was tried on tables without rows; `hyperlake plan` lists their columns"))
			}
		}
	}
	return failure.Join(failure.Config, wrong...)
}

// tryTime bounds each check on tables without rows.
const tryTime = 30 * time.Second

// tryCheck says why hyperd does not take a check; err is that of hyperd itself.
func tryCheck(ctx context.Context, conn *hyperd.Conn, sql string) (refused, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	columns := 0
	err = conn.QueryResults(ctx, sql, func(fields []hyperd.Field) error {
		columns = len(fields)
		return nil
	}, func([]hyperd.Field, [][]byte) error { return nil })
	switch {
	case hyperd.IsAnswer(err):
		return err, nil
	case err != nil:
		return nil, err
	case columns != 1:
		return errors.New("a check is a query of one value, but this one has " + words.Count(int64(columns), "column")), nil
	}
	return nil, nil
}
