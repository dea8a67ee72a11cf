package hyper

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hypersql"
	"hyperlake/internal/storage"
)

// judgedRows is from how many rows on files are judged by themselves. A scan takes some
// 10 ms to begin with: small files are judged together.
const judgedRows = 256 << 10

// Doubtful is deferred files that have to be read once more, row by row: to explain the
// rows that hyperd did not load, or because hyperd loaded none.
type Doubtful struct {
	Table   int      `json:"table"`
	Attempt string   `json:"attempt,omitempty"` // as in batch.Batch
	Parts   []Judged `json:"parts"`

	// Refused is why hyperd could not read the one file, or is not to; empty if it did. Nothing of a
	// refused file was loaded or counted.
	Refused string `json:"refused,omitempty"`
}

// Judged is files with the number of their rows that hyperd did not load, as it counted them.
type Judged struct {
	Files    []batch.FileRef `json:"files"`
	Filtered int64           `json:"filtered"`
	Rejected int64           `json:"rejected"`

	// Uncounted says that hyperd could not tell the rows apart, and that all of them are in
	// Rejected: a row that it need not load can hold a value that it does not read.
	Uncounted bool `json:"uncounted,omitempty"`
}

// Differs says whether an account of the same files is another one.
func (j Judged) Differs(found batch.Tally) bool {
	if j.Uncounted {
		return found.Filtered+found.Rejected != j.Rejected
	}
	return found.Filtered != j.Filtered || found.Rejected != j.Rejected
}

// Correction is what has to be added to the account of files once they were explained, which found the given. Of units
// that were not told apart, nothing was said but how many rows they have.
func (j Judged) Correction(found batch.Tally) batch.Tally {
	correction := batch.Tally{Failed: found.Failed, Filtered: found.Filtered - j.Filtered, Rejected: found.Rejected - j.Rejected}
	if !j.Uncounted {
		return correction.Of(j.Files[0].Unit)
	}
	for _, unit := range found.Units {
		unit.Counts.Read, unit.Counts.Deleted = 0, 0
		correction.Units = append(correction.Units, unit)
	}
	return correction
}

// loadFiles has hyperd read files by itself, as many at a time as it has cores.
func (s *session) loadFiles(ctx context.Context, g *fileGroup) error {
	loaded, err := s.insertFiles(ctx, g.table, g.files)
	switch {
	case failure.IsFull(err): // which is not because of a file
		return err
	case hyperd.IsAnswer(err) && len(g.files) == 1:
		s.refuse(g.table, g.files[0], err.Error())
		return nil
	case hyperd.IsAnswer(err): // one of them, which the halves tell
		half := len(g.files) / 2
		for _, files := range [][]deferredFile{g.files[:half], g.files[half:]} {
			if err := s.loadFiles(ctx, &fileGroup{table: g.table, files: files}); err != nil {
				return err
			}
		}
		return nil
	case err != nil:
		return err
	}
	return s.account(ctx, g, loaded)
}

// refuse notes that a file has to be read otherwise.
func (s *session) refuse(table int, file deferredFile, reason string) {
	s.doubtful = append(s.doubtful, Doubtful{Table: table, Parts: []Judged{{Files: []batch.FileRef{file.File}}}, Refused: reason})
}

func refsOf(files []deferredFile) []batch.FileRef {
	refs := make([]batch.FileRef, len(files))
	for i, file := range files {
		refs[i] = file.File
	}
	return refs
}

// nameFiles names one of the files, of which there is one at least.
func nameFiles(files []deferredFile) string {
	first := "file " + files[0].File.Info.URI
	switch others := len(files) - 1; others {
	case 0:
		return first
	case 1:
		return first + " and another one"
	default:
		return fmt.Sprintf("%s and %d others", first, others)
	}
}

func (s *session) insertFiles(ctx context.Context, table int, files []deferredFile) (int64, error) {
	target := s.layout.Tables[table]
	rows, err := s.conn.Exec(ctx, target.insertFilesSQL(partialAlias, files))
	if err != nil {
		return 0, fmt.Errorf("load table %s from %s: %w", target, nameFiles(files), err)
	}
	for _, file := range files {
		if file.copy != nil {
			continue // it is a copy of the version that was planned for
		}
		if err := checkUnchanged(ctx, file.File.Info); err != nil {
			return 0, err
		}
	}
	return rows, nil
}

// checkUnchanged says whether what hyperd read is still the version that was planned for.
func checkUnchanged(ctx context.Context, planned storage.Info) error {
	now, err := storage.Stat(ctx, planned.URI)
	if err == nil && !now.SameVersion(planned) {
		err = storage.ErrChanged
	}
	if err != nil {
		return sourceFailure(planned.URI, err)
	}
	return nil
}

// insertFilesSQL is the statement that loads what is to be kept of files.
func (t Table) insertFilesSQL(alias string, files []deferredFile) string {
	values := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		values[i] = hyperd.QuoteName(column.Source)
	}
	var queries []string
	for _, alike := range cut(files, math.MaxInt64) {
		queries = append(queries, fmt.Sprintf("SELECT %s FROM %s WHERE %s",
			strings.Join(values, ", "), sourceSQL(alike), files[0].Conditions.Kept))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) %s", t.in(alias), t.columnNames(), strings.Join(queries, " UNION ALL "))
}

// cut divides files, in their order, into parts that have equal constants and columns and end with the file
// that brings them to a number of rows.
func cut(files []deferredFile, rows int64) [][]deferredFile {
	var parts [][]deferredFile
	first, passed := 0, int64(0)
	for i, file := range files {
		passed += file.File.Rows()
		if i+1 == len(files) || passed >= rows || !file.isLike(files[i+1]) {
			parts = append(parts, files[first:i+1])
			first, passed = i+1, 0
		}
	}
	return parts
}

// isLike says whether two files can be one source.
func (f deferredFile) isLike(other deferredFile) bool {
	return slices.Equal(f.Constants, other.Constants) && slices.Equal(f.Columns, other.Columns) &&
		(f.Columns == nil) == (other.Columns == nil) && f.File.Unit == other.File.Unit
}

// sourceSQL is the mapped columns of files that are alike, as a query has it behind FROM.
func sourceSQL(files []deferredFile) string {
	if mapped := files[0].Conditions.Mapped; mapped != "" {
		return fmt.Sprintf("(SELECT %s FROM %s) AS mapped", mapped, unmappedSQL(files))
	}
	return unmappedSQL(files)
}

// unmappedSQL is what files that are alike hold, under the names of the table, as a query has it behind FROM.
func unmappedSQL(files []deferredFile) string {
	paths := make([]string, len(files))
	for i, file := range files {
		paths[i] = hyperd.QuoteText(file.path)
	}
	source := fmt.Sprintf("external(ARRAY[%s], format => 'parquet')", strings.Join(paths, ", "))
	if len(files[0].Constants) == 0 && files[0].Columns == nil {
		return source
	}
	columns := []string{"*"}
	if files[0].Columns != nil {
		columns = nil
	}
	for _, column := range files[0].Columns {
		value := hyperd.QuoteName(column.Stored)
		if column.To != "" {
			value = hypersql.Cast(value, column.To)
		}
		columns = append(columns, value+" AS "+hyperd.QuoteName(column.Column))
	}
	for _, constant := range files[0].Constants {
		columns = append(columns, constant.SQL+" AS "+hyperd.QuoteName(constant.Column))
	}
	return fmt.Sprintf("(SELECT %s FROM %s) AS files", strings.Join(columns, ", "), source)
}

// account finds out what became of the rows of files: nothing more to ask where all were
// loaded and no rule only warns.
func (s *session) account(ctx context.Context, g *fileGroup, loaded int64) error {
	conditions, rows := g.files[0].Conditions, rowsOf(g.files)
	if loaded > rows {
		return failure.New(failure.Hyperd, "hyperd loaded %d rows of files with %d, %s and others", loaded, rows, g.files[0].File.Info.URI)
	}
	s.rowsLoaded.Add(loaded)
	if loaded == rows && conditions.Sound == conditions.Kept {
		s.tallies[g.table].Add(readOf(g.files))
		return nil
	}
	return s.judge(ctx, g, loaded)
}

// readOf is the tally of files of which all rows are kept.
func readOf(files []deferredFile) (sum batch.Tally) {
	for _, file := range files {
		sum.Add(batch.Tally{Read: file.File.Rows()}.Of(file.File.Unit))
	}
	return sum
}

// judge counts the rows of files that are kept, which have to be those that were loaded, and notes
// which files have to be explained.
func (s *session) judge(ctx context.Context, g *fileGroup, loaded int64) error {
	parts := cut(g.files, judgedRows)
	sum, doubtful, err := s.judgeParts(ctx, parts)
	if hyperd.IsAnswer(err) {
		dropped := rowsOf(g.files) - loaded
		sum = readOf(g.files)
		sum.Rejected = dropped // of which units, is known once they are explained
		doubtful, err = []Judged{{Files: refsOf(g.files), Rejected: dropped, Uncounted: true}}, nil
	}
	if err != nil {
		return fmt.Errorf("count the rows of %s: %w", nameFiles(g.files), err)
	}
	if sum.Left() != loaded {
		return failure.New(failure.Hyperd, "hyperd loaded %d rows of %s, of which it counts %d to be kept",
			loaded, nameFiles(g.files), sum.Left())
	}
	s.tallies[g.table].Add(sum)
	if len(doubtful) > 0 {
		s.doubtful = append(s.doubtful, Doubtful{Table: g.table, Parts: doubtful})
		s.tallies[g.table].Doubtful++
	}
	return nil
}

// judgeParts counts the rows of parts, and returns those of which rows break a rule.
func (s *session) judgeParts(ctx context.Context, parts [][]deferredFile) (sum batch.Tally, doubtful []Judged, err error) {
	judged := 0
	err = s.conn.Query(ctx, judgeSQL(parts), func(_ []hyperd.Field, values [][]byte) error {
		var counts [5]int64 // those that judgeSQL promises
		for i := range counts {
			if counts[i], err = strconv.ParseInt(string(values[i]), 10, 64); err != nil {
				return err
			}
		}
		files, rows, selected, keeps, sound := parts[counts[0]], counts[1], counts[2], counts[3], counts[4]
		if planned := rowsOf(files); rows != planned {
			return failure.New(failure.Hyperd, "hyperd counts %d rows in %s, where the footers have %d", rows, nameFiles(files), planned)
		}
		tally := batch.Tally{Read: rows, Filtered: rows - selected, Rejected: selected - keeps}
		sum.Add(tally.Of(files[0].File.Unit))
		if sound != selected {
			doubtful = append(doubtful, Judged{Files: refsOf(files), Filtered: tally.Filtered, Rejected: tally.Rejected})
		}
		judged++
		return nil
	})
	if err == nil && judged != len(parts) {
		err = failure.New(failure.Hyperd, "hyperd gave %d counts instead of %d", judged, len(parts))
	}
	return sum, doubtful, err
}

// judgeSQL counts, for each part by its number, all rows, those that are selected, kept and sound.
// hyperd reads one file on about one core, but several at the same time.
func judgeSQL(parts [][]deferredFile) string {
	queries := make([]string, len(parts))
	for i, files := range parts {
		c := files[0].Conditions
		queries[i] = fmt.Sprintf("SELECT %d, count(*), count(*) FILTER (WHERE %s), count(*) FILTER (WHERE %s), "+
			"count(*) FILTER (WHERE %s) FROM %s", i, c.Selected, c.Kept, c.Sound, sourceSQL(files))
	}
	return strings.Join(queries, " UNION ALL ") + " ORDER BY 1"
}
