//go:build lake

package pipelines_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/runners/enginetest"
)

// operationsOfATable is how many operations are done to each table.
const operationsOfATable = 8

// library is one of Python, and the script in testdata/sequences that has it make tables at random.
type library struct {
	folder  string   // in the user's cache, where it is installed
	modules []string // that it has
	script  string
	tables  int // that it makes by default
}

var (
	deltaLake = library{"deltalake-1.6.6", []string{"deltalake", "pyarrow"}, "delta", 10}
	pyIceberg = library{"pyiceberg-0.12.0", []string{"pyiceberg", "pyiceberg_core", "pyarrow", "sqlalchemy"}, "iceberg", 8}
)

// operated is what a script says after an operation.
type operated struct {
	Operation string
	Refused   string // why the library did not do it
	Checks    []*sequenceCheck
}

// sequenceCheck is all rows of a version of a table, or those that a condition leaves.
type sequenceCheck struct {
	Version string // as a configuration has it
	Where   string
	Columns []struct{ Name, Type string }
	InFiles int64
	Rows    [][]*string
}

// Whatever is done to a table with deltalake, its versions are loaded as deltalake's own reader reads them, by both
// engines, and with a condition, which is evaluated in Python.
func TestDeltaLakeSequences(t *testing.T) { testSequences(t, deltaLake) }

// So are those of a table that is changed with pyiceberg: snapshots, branches, tags and times.
func TestIcebergSequences(t *testing.T) { testSequences(t, pyIceberg) }

func testSequences(t *testing.T, of library) {
	interpreter := of.install(t)
	var done operations
	t.Cleanup(func() { t.Log(done.counts) }) // once all sequences are done
	enginetest.EachSequence(t, of.tables, func(t *testing.T, seed uint64) {
		t.Parallel()
		folder := filepath.Join(t.TempDir(), "lake")
		table := startSequence(t, interpreter, of.script)
		for i := range operationsOfATable + 1 {
			asked := map[string]any{}
			if i == 0 {
				asked = map[string]any{"folder": folder, "seed": seed}
			}
			after := table.ask(t, asked)
			for tries := 0; after.Refused != "" && tries < 20; tries++ {
				t.Logf("it refuses %s: %s", after.Operation, after.Refused)
				after = table.ask(t, map[string]any{})
			}
			require.Empty(t, after.Refused)
			done.add(after.Operation)
			for _, engine := range []string{"auto", "go"} {
				after.compare(t, folder, engine)
			}
			if t.Failed() {
				t.Fatalf("HYPERLAKE_SEED=%d repeats it: it fails after operation %d, %s", seed, i, after.Operation)
			}
		}
	})
}

// operations counts what was done, in tests that run side by side.
type operations struct {
	mutex  sync.Mutex
	counts map[string]int
}

func (o *operations) add(operation string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.counts == nil {
		o.counts = map[string]int{}
	}
	o.counts[operation]++
}

// compare loads all versions that are to be compared into one extract.
func (o *operated) compare(t *testing.T, folder, engine string) {
	t.Helper()
	var yaml strings.Builder
	fmt.Fprintf(&yaml, "name: x\non_empty: allow\nvalidate: {engine: %s}\ntables:\n", engine)
	for i, check := range o.Checks {
		fmt.Fprintf(&yaml, "  - {name: t%d, source: {uri: %s, version: %q, nested: json", i, folder, check.Version)
		if check.Where != "" {
			fmt.Fprintf(&yaml, ", where: %s", quotedYAML(t, check.Where))
		}
		yaml.WriteString("}}\n")
	}
	cfg := runtest.Configure(t, t.TempDir(), yaml.String())
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err, yaml.String())
	for i, check := range o.Checks {
		what := fmt.Sprintf("engine %s, version %s, where %q", engine, check.Version, check.Where)
		check.reconcile(t, &report.Tables[i], what)
		var names, types []string
		for _, column := range check.Columns {
			names, types = append(names, column.Name), append(types, asSparkSays(column.Type))
		}
		found, cells := runtest.CellsIn(t, cfg.Output.Path, fmt.Sprintf(`SELECT * FROM x."Extract"."t%d"`, i))
		assert.Equal(t, names, found, what)
		assert.Equal(t, canonicalRows(t, check.Rows, types), canonicalRows(t, cells, types), what)
	}
}

// reconcile holds the counts of a table against each other, and against what the library reads.
func (c *sequenceCheck) reconcile(t *testing.T, account *report.TableAccount, what string) {
	t.Helper()
	assert.Equal(t, c.InFiles, account.RowsInFiles-account.RowsDeleted, what)
	assert.Equal(t, account.RowsInFiles, account.RowsDeleted+account.RowsPruned+account.RowsRead, what)
	assert.Equal(t, account.RowsRead, account.RowsFiltered+account.RowsLoaded, what)
	assert.EqualValues(t, len(c.Rows), account.RowsLoaded, what)
}

// asSparkSays is the name of a type for [canonicalValue]. Floats are compared as the doubles that they become.
func asSparkSays(kind string) string {
	switch kind {
	case "list", "struct", "map":
		return "nested"
	case "float":
		return "double"
	case "fixed[3]":
		return "binary"
	}
	return kind
}

// quotedYAML is a text in the double quotes of YAML, which has those of JSON, of which no part is taken for a variable.
func quotedYAML(t *testing.T, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	require.NoError(t, err)
	return strings.ReplaceAll(string(quoted), "${", "$${")
}

// sequence is a process that works on a table.
type sequence struct {
	questions *json.Encoder
	answers   *bufio.Reader
	said      *strings.Builder
}

// startSequence starts one that ends with the test.
func startSequence(t *testing.T, interpreter, script string) *sequence {
	t.Helper()
	command := exec.CommandContext(t.Context(), interpreter, "-B", filepath.Join("testdata", "sequences", script+".py"))
	said := &strings.Builder{}
	command.Stderr = said
	in, err := command.StdinPipe()
	require.NoError(t, err)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		_ = command.Wait()
	})
	return &sequence{json.NewEncoder(in), bufio.NewReader(out), said}
}

// ask has the process do something, and waits for its answer.
func (s *sequence) ask(t *testing.T, question map[string]any) *operated {
	t.Helper()
	require.NoError(t, s.questions.Encode(question))
	line, err := s.answers.ReadString('\n')
	if err != nil {
		_, _ = io.Copy(io.Discard, s.answers) // until it has ended
		require.NoError(t, err, s.said.String())
	}
	var after operated
	require.NoError(t, json.Unmarshal([]byte(line), &after))
	return &after
}

// install returns an interpreter that has the library. pip fetches it once, into the user's cache.
func (l library) install(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	folder := filepath.Join(cache, "hyperlake", l.folder)
	interpreter, base := filepath.Join(folder, "bin", "python"), "python3"
	if runtime.GOOS == "windows" {
		interpreter, base = filepath.Join(folder, "Scripts", "python.exe"), "python"
	}
	if exec.Command(interpreter, "-c", "import "+strings.Join(l.modules, ", ")).Run() == nil {
		return interpreter
	}
	requirements := filepath.Join("testdata", "sequences", l.script+".txt")
	for _, arguments := range [][]string{
		{base, "-m", "venv", "--clear", folder},
		{interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", requirements},
	} {
		output, err := exec.CommandContext(t.Context(), arguments[0], arguments[1:]...).CombinedOutput()
		require.NoError(t, err, string(output))
	}
	return interpreter
}
