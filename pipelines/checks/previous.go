package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/plan"
)

// previousExtract is the numbers of rows in the file at the output path, by table; a table
// that it does not have is not there. The zero value is that of no file.
type previousExtract struct {
	rows map[string]int64 // by quoted name
}

// changeCheck compares the number of rows of a table with that of the previous extract.
func (p *previousExtract) changeCheck(table *plan.TablePlan, maxChange float64) check {
	name := hyperd.QuoteName(table.Schema, table.Name)
	c := check{name: fmt.Sprintf("rows change by at most %v %%", 100*maxChange)}
	before, known := p.rows[name]
	if !known || before == 0 {
		c.sql = "SELECT true" // there is nothing to compare with
		return c
	}
	c.sql = fmt.Sprintf("SELECT abs(count(*) - %[1]d) <= %[2]s * %[1]d FROM %[3]s", before, strconv.FormatFloat(maxChange, 'f', -1, 64), name)
	c.figure = "SELECT count(*) FROM " + name
	c.message = fmt.Sprintf("there are %%s rows, in the previous extract there were %d", before)
	return c
}

// readPrevious counts the rows of the tables of a plan in the file at the output path, if
// there is one. scratch is a folder for a copy of a remote one.
func readPrevious(ctx context.Context, lease *hyperd.Lease, plan *plan.Plan, output, scratch string) (*previousExtract, error) {
	previous := &previousExtract{rows: map[string]int64{}}
	info, err := storage.Stat(ctx, output)
	if errors.Is(err, fs.ErrNotExist) {
		return previous, nil
	}
	path, local := storage.LocalPath(output)
	if err == nil && !local {
		path = filepath.Join(scratch, "previous.hyper")
		err = storage.Download(ctx, info, path)
	}
	if err != nil {
		return nil, failure.New(failure.Storage, "read the previous extract %s: %w", output, err).WithHint("%s", storage.Hint(err))
	}
	conn, err := lease.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }() // reading leaves nothing to lose
	const alias = "previous"
	if err := conn.AttachReadOnly(ctx, path, alias); err != nil {
		return nil, failure.New(failure.Check, "compare with the previous extract %s: %w", output, err).
			WithHint("remove the file, or the check compare_previous")
	}
	for _, table := range plan.Tables {
		// What a file of another layout lacks is not compared.
		text, err := conn.QueryValue(ctx, "SELECT count(*) FROM "+hyperd.QuoteName(alias, table.Schema, table.Name))
		if err != nil {
			continue
		}
		if previous.rows[hyperd.QuoteName(table.Schema, table.Name)], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, err
		}
	}
	return previous, conn.Detach(ctx, alias)
}
