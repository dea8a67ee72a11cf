package hyper

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
)

const (
	// A statement reads so many files, and so many bytes of them, at most: enough for all
	// cores, and few enough to look at one by one where something is wrong.
	groupFiles = 256
	groupBytes = 1 << 30
)

// Doubtful is a deferred file that has to be read once more, row by row: to explain the
// rows that hyperd did not load, or because hyperd loaded none.
type Doubtful struct {
	Table int           `json:"table"`
	File  batch.FileRef `json:"file"`

	// Refused is why hyperd could not read the file; empty if it could. Nothing of a refused
	// file was loaded or counted.
	Refused string `json:"refused,omitempty"`

	// Filtered and Rejected are the rows that hyperd did not load, as it counted them.
	Filtered int64 `json:"filtered"`
	Rejected int64 `json:"rejected"`
}

func encodeDoubtful(d Doubtful) ([]byte, error) { return json.Marshal(d) }

func decodeDoubtful(data []byte) (Doubtful, error) {
	var d Doubtful
	err := json.Unmarshal(data, &d)
	return d, err
}

// fileGroup is deferred files of one table that one statement loads.
type fileGroup struct {
	table int
	files []batch.Deferred
	bytes int64
}

func (g *fileGroup) rows() int64 {
	var rows int64
	for _, file := range g.files {
		rows += file.File.Rows()
	}
	return rows
}

// hasRoom says whether another file may be added.
func (g *fileGroup) hasRoom(b batch.Batch) bool {
	return g.table == b.Table && len(g.files) < groupFiles && g.bytes+b.Deferred.File.Bytes() <= groupBytes &&
		g.files[0].Conditions == b.Deferred.Conditions
}

// loadFiles has hyperd read files by itself, as many at a time as it has cores.
func (s *session) loadFiles(ctx context.Context, g *fileGroup) error {
	loaded, err := s.insertFiles(ctx, g.table, g.files)
	switch {
	case hyperd.IsAnswer(err):
		return s.loadEach(ctx, g)
	case err != nil:
		return err
	}
	return s.account(ctx, g, loaded)
}

// loadEach finds the files that hyperd refuses, after it refused several together.
func (s *session) loadEach(ctx context.Context, g *fileGroup) error {
	for i, file := range g.files {
		one := fileGroup{table: g.table, files: g.files[i : i+1]}
		loaded, err := s.insertFiles(ctx, g.table, one.files)
		switch {
		case hyperd.IsAnswer(err):
			s.doubtful = append(s.doubtful, Doubtful{Table: g.table, File: file.File, Refused: err.Error()})
			continue
		case err != nil:
			return err
		}
		if err := s.account(ctx, &one, loaded); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) insertFiles(ctx context.Context, table int, files []batch.Deferred) (int64, error) {
	target := s.layout.Tables[table]
	sql, err := target.insertFilesSQL(partialAlias, files)
	if err != nil {
		return 0, err
	}
	rows, err := s.conn.Exec(ctx, sql)
	if err != nil {
		return 0, fmt.Errorf("load table %s from %d files, %s and others: %w", target, len(files), files[0].File.Info.URI, err)
	}
	for _, file := range files {
		if err := checkUnchanged(ctx, file.File.Info); err != nil {
			return 0, err
		}
	}
	return rows, nil
}

// checkUnchanged says whether what hyperd read is still the version that was planned for.
func checkUnchanged(ctx context.Context, planned storage.Info) error {
	store, err := storage.For(planned.URI)
	if err != nil {
		return err
	}
	now, err := store.Stat(ctx, planned.URI)
	if err == nil && !now.SameVersion(planned) {
		err = storage.ErrChanged
	}
	if err != nil {
		return failure.New(failure.Source, "file %s: %w", planned.URI, err).WithHint("%s", storage.Hint(err))
	}
	return nil
}

// insertFilesSQL is the statement that loads what is to be kept of files.
func (t Table) insertFilesSQL(alias string, files []batch.Deferred) (string, error) {
	values := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		values[i] = hyperd.QuoteName(column.Source)
	}
	source, err := parquetSQL(files)
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s",
		t.in(alias), t.columnNames(), strings.Join(values, ", "), source, files[0].Conditions.Kept), err
}

func parquetSQL(files []batch.Deferred) (string, error) {
	paths := make([]string, len(files))
	for i, file := range files {
		path, local := storage.LocalPath(file.File.Info.URI)
		if !local {
			return "", failure.New(failure.Engine, "file %s was deferred, but hyperd cannot reach it", file.File.Info.URI)
		}
		paths[i] = hyperd.QuoteText(path)
	}
	return fmt.Sprintf("external(ARRAY[%s], format => 'parquet')", strings.Join(paths, ", ")), nil
}

// account finds out what became of the rows of files: nothing more to ask where all were
// loaded and no rule only warns.
func (s *session) account(ctx context.Context, g *fileGroup, loaded int64) error {
	conditions, rows := g.files[0].Conditions, g.rows()
	if loaded > rows {
		return failure.New(failure.Hyperd, "hyperd loaded %d rows of files with %d, %s and others", loaded, rows, g.files[0].File.Info.URI)
	}
	s.rowsLoaded.Add(loaded)
	if loaded == rows && conditions.Sound == conditions.Kept {
		s.tallies[g.table].Read += rows
		return nil
	}
	var kept int64
	for _, file := range g.files {
		n, err := s.judge(ctx, g.table, file)
		if err != nil {
			return err
		}
		kept += n
	}
	if kept != loaded {
		return failure.New(failure.Hyperd, "hyperd loaded %d rows of files of which it counts %d to be kept, %s and others", loaded, kept, g.files[0].File.Info.URI)
	}
	return nil
}

// judge counts the rows of a file that are kept, and notes where one has to be explained.
func (s *session) judge(ctx context.Context, table int, file batch.Deferred) (kept int64, err error) {
	source, err := parquetSQL([]batch.Deferred{file})
	if err != nil {
		return 0, err
	}
	c := file.Conditions
	counts := make([]int64, 4)
	sql := fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE %s), count(*) FILTER (WHERE %s), count(*) FILTER (WHERE %s) FROM %s",
		c.Selected, c.Kept, c.Sound, source)
	err = s.conn.Query(ctx, sql, func(_ []hyperd.Field, values [][]byte) (err error) {
		for i := range counts {
			if counts[i], err = strconv.ParseInt(string(values[i]), 10, 64); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count the rows of %s: %w", file.File.Info.URI, err)
	}
	rows, selected, kept, sound := counts[0], counts[1], counts[2], counts[3]
	if planned := file.File.Rows(); rows != planned {
		return 0, failure.New(failure.Hyperd, "hyperd counts %d rows in %s, whose footer has %d", rows, file.File.Info.URI, planned)
	}
	tally := batch.Tally{Read: rows, Filtered: rows - selected, Rejected: selected - kept}
	s.tallies[table].Add(tally)
	if sound != selected {
		s.doubtful = append(s.doubtful, Doubtful{Table: table, File: file.File, Filtered: tally.Filtered, Rejected: tally.Rejected})
	}
	return kept, nil
}
