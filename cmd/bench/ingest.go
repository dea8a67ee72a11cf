package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ingestCases bring the same rows to Parquet, from CSV and from a table: by hyperlake, and by what one would do without it.
// A server is known by the variables of libpq.
func (b bench) ingestCases() []benchCase {
	csv := b.rowsCSV()
	cases := []benchCase{
		b.ingest("csv", fmt.Sprintf("csv: {uri: %s}", csv)),
		b.byDuckDB("csv, duckdb", csv),
	}
	if os.Getenv("PGHOST") == "" {
		fmt.Fprintln(os.Stderr, "bench: without PGHOST there is no server, and no case of a table; see pg_virtualenv")
		return cases
	}
	const query = `query: "select * from bench", split_by: id`
	copied := b.byDuckDB(`table, \copy and duckdb`, b.path("copied.csv"))
	convert := copied.args
	copied.args = func(b bench) ([]string, error) {
		args, err := convert(b)
		script := fmt.Sprintf(`psql -qXc "\\copy bench to '%s' csv header" && exec "$@"`, b.path("copied.csv"))
		return append([]string{"sh", "-ec", script, "sh"}, args...), err
	}
	for _, c := range []benchCase{
		b.ingest("table", "postgres: {"+query+", parallel: 1}"), b.ingest("table, two readers", "postgres: {"+query+", parallel: 2}"), copied,
	} {
		c.usesServer = true
		cases = append(cases, c)
	}
	return cases
}

// ingest runs hyperlake on a configuration, which it writes.
func (b bench) ingest(name, source string) benchCase {
	folder := b.path("ingested " + name)
	return benchCase{name: name, files: 1, rows: b.rows, output: folder, args: func(b bench) ([]string, error) {
		path := b.path("ingest " + name + ".yaml")
		text := fmt.Sprintf("name: bench\ningest:\n  - to: %q\n    %s\n    columns: {amount: {type: \"numeric(18,2)\"}}\n"+
			"tables: [{source: {uri: %q}}]\n", folder, source, folder)
		return []string{b.program, "ingest", path, "--quiet"}, os.WriteFile(path, []byte(text), 0o600)
	}}
}

// byDuckDB has DuckDB convert CSV, with its own row groups and level, and as many threads as there are cores.
func (b bench) byDuckDB(name, csv string) benchCase {
	output := b.path("by " + name + ".parquet")
	return benchCase{name: name, files: 1, rows: b.rows, output: output, args: func(b bench) ([]string, error) {
		return []string{b.python(), "cmd/bench/duckdb_convert.py", csv, output}, nil
	}}
}

func (b bench) rowsCSV() string { return b.path(fmt.Sprintf("rows-%d.csv", b.rows)) }

// makeCSV writes the rows of all cases of ingest, unless they are there.
func (b bench) makeCSV() error {
	if _, err := os.Stat(b.rowsCSV()); err == nil {
		return nil
	}
	file, err := os.Create(b.rowsCSV() + ".part")
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<20)
	line := bytes.NewBufferString("id,customer,amount,day,at,note\n")
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 2000)
	for i := range words {
		words[i] = strconv.FormatUint(random.Uint64()>>(20+random.Uint64N(24)), 36)
	}
	word := func() string { return words[random.IntN(len(words))] }
	begin := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	at := begin
	for i := range b.rows {
		at = at.Add(time.Duration(random.Int64N(40_000_000)) * time.Microsecond)
		fmt.Fprintf(line, "%d,customer %d,%d.%02d,%s,%s,", i+1, random.IntN(5000), random.IntN(90_000), random.IntN(100),
			begin.AddDate(0, 0, random.IntN(1000)).Format(time.DateOnly), at.Format("2006-01-02 15:04:05.000000"))
		if i%4 == 0 {
			fmt.Fprintf(line, `"%s, ""%s"" %s %s %s"`, word(), word(), word(), word(), word())
		}
		line.WriteByte('\n')
		if _, err := line.WriteTo(w); err != nil {
			return err
		}
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		return err
	}
	return os.Rename(b.rowsCSV()+".part", b.rowsCSV())
}

// makeTable makes the table of all cases of ingest, if there is a server.
func (b bench) makeTable() error {
	if os.Getenv("PGHOST") == "" {
		return nil
	}
	return call("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-c", "DROP TABLE IF EXISTS bench",
		"-c", "CREATE TABLE bench (id bigint, customer text, amount numeric(18,2), day date, at timestamp, note text)",
		"-c", fmt.Sprintf(`\copy bench from '%s' csv header`, b.rowsCSV()),
		"-c", "ALTER TABLE bench ADD PRIMARY KEY (id)", "-c", "VACUUM (ANALYZE, FREEZE) bench")
}

// server is a PostgreSQL server of this machine.
type server struct{ pid, children int }

// findServer finds the server that psql reaches.
func findServer() (*server, error) {
	output, err := exec.Command("psql", "-qXAtc", "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)").Output()
	if err != nil {
		return nil, fmt.Errorf("ask the server for its process: %w", err)
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(output)))
	return &server{pid: pid, children: len(children(pid))}, err
}

// processor is the processor time of the server, with its connections that ended, in seconds.
func (s *server) processor() float64 {
	for range 100 { // until those of the clients have ended
		if len(children(s.pid)) <= s.children {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	total := cpu(s.pid) + cpuOfEnded(s.pid)
	for _, child := range children(s.pid) {
		total += cpu(child)
	}
	return total
}

// size is that of a file, or of all Parquet files of a folder.
func size(path string) (bytes int64, err error) {
	err = filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".parquet") || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}
