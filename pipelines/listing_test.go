package pipelines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/doctor"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/starter"
)

// ids writes a Parquet file with a column id.
func ids(t *testing.T, path string, values ...int) {
	t.Helper()
	var rows []string
	for _, value := range values {
		rows = append(rows, fmt.Sprintf(`{"id": %d}`, value))
	}
	runtest.WriteTable(t, path, "["+strings.Join(rows, ",")+"]", runtest.Field("id", runtest.Int32Type))
}

// layDown makes a file that is no Parquet.
func layDown(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
}

func sourceConfig(uri, more string) string {
	return fmt.Sprintf("name: x\ntables:\n  - source: {uri: %q%s}\n", uri, more)
}

// requireEarly says that an error was known before any data was read: exit code 2.
func requireEarly(t *testing.T, err error, says ...string) {
	t.Helper()
	require.Error(t, err)
	known := failure.Of(err, failure.Engine)
	assert.True(t, known.Early, err)
	for _, words := range says {
		assert.Contains(t, known.Message+"; "+known.Hint, words)
	}
}

// tablesLake has a table of each format, and loose files.
func tablesLake(t *testing.T) string {
	folder := t.TempDir()
	for _, file := range []string{"delta/day=1/a", "iceberg/data/k=1/a", "hudi/k=1/a", "loose/k=1/a"} {
		ids(t, filepath.Join(folder, "lake", file+".parquet"), 1, 2)
	}
	for _, file := range []string{
		"iceberg/metadata/v1.metadata.json", "hudi/.hoodie/hoodie.properties", "loose/metadata/notes.json",
	} {
		layDown(t, filepath.Join(folder, "lake", file))
	}
	table := filepath.Join(folder, "lake", "delta")
	runtest.WriteDeltaLog(t, table, 0, runtest.DeltaTable("id integer, day integer", "day"),
		runtest.DeltaAdd(t, table, "day=1/a.parquet", `"day":"1"`, ""))
	return folder
}

func TestTablesAreNoLooseFiles(t *testing.T) {
	cases := map[string]string{ // glob to what the message says
		"hudi/*/*.parquet":             "lake/hudi (Hudi)",
		"**/*.parquet":                 "lake/delta (Delta Lake), ",
		"{loose,iceberg}/**/*.parque?": "lake/iceberg (Iceberg) is a table",
	}
	folder := tablesLake(t)
	bucket, _ := storagetest.FakeGCS(t)
	files, err := filepath.Glob(filepath.Join(folder, "lake", "*", "*", "*"))
	require.NoError(t, err)
	deep, err := filepath.Glob(filepath.Join(folder, "lake", "*", "*", "*", "*"))
	require.NoError(t, err)
	for _, file := range append(files, deep...) {
		if stat, err := os.Stat(file); err == nil && !stat.IsDir() {
			_, err := storage.Upload(t.Context(), file, storage.Join(bucket, filepath.ToSlash(strings.TrimPrefix(file, folder+"/"))), storage.Any())
			require.NoError(t, err)
		}
	}
	for _, root := range []string{folder, bucket} {
		for glob, says := range cases {
			t.Run(storage.Join(root, glob), func(t *testing.T) {
				cfg := runtest.Configure(t, t.TempDir(), sourceConfig(storage.Join(root, "lake", glob), ""))
				_, err := pipelines.MakePlan(t.Context(), cfg)
				requireEarly(t, err, storage.Join(root, says), "source.format: parquet", "removed rows come back")
				for _, finding := range doctor.Diagnose(t.Context(), pipelines.Diagnosis(cfg)) {
					if strings.HasPrefix(finding.Check, "source") {
						assert.Equal(t, doctor.CheckFailed, finding.Status)
						assert.Contains(t, finding.Found, says)
					}
				}
			})
		}
		for _, loose := range []string{"lake/loose/**/*.parquet", "lake/loose/k=1/a.parquet", "lake/*.parquet*"} {
			_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, t.TempDir(), "on_empty: allow\n"+sourceConfig(storage.Join(root, loose), "")+"    columns: {id: {type: integer}}\n"))
			require.NoError(t, err, loose)
		}
	}
}

// A glob into a table means the table, or it is refused with what to write.
func TestPartsOfTables(t *testing.T) {
	t.Parallel()
	folder := tablesLake(t)
	table := filepath.Join(folder, "lake", "delta")
	for _, whole := range []string{"delta", "delta/", "delta/**/*.parquet", "delta/*.parquet", "delta/*/*", "delta/day=*/*.parquet", "./delta/**"} {
		plan := runtest.PlanOf(t, runtest.Configure(t, folder, sourceConfig("lake/"+whole, "")))
		require.NotNil(t, plan.Source, whole)
		assert.Equal(t, table, plan.Source.Folder)
		assert.EqualValues(t, 2, plan.Rows, whole)
	}
	for keys, says := range map[string]string{
		"lake/delta/day=1/*.parquet":                               `set source.uri to ` + table + `, and source.where to "day == 1"`,
		"lake/delta/day=1":                                         `source.where to "day == 1"`,
		"lake/delta/day=1/a.parquet":                               "and choose rows with source.where",
		"'lake/delta/{day=1,day=2}/*'":                             "and choose rows with source.where",
		"lake/delta/other=1/*.parquet":                             "and choose rows with source.where",
		"[lake/delta/*.parquet, lake/x/*]":                         "is a table, and cannot be read together with other files",
		"lake/loose/**, format: delta":                             "is no delta table",
		"lake/iceberg/data/**, format: iceberg":                    "is a part of the table",
		"lake/loose/**, format: iceberg":                           "is no iceberg table",
		"lake/delta, version: newest":                              `has no version "newest"`,
		"lake/iceberg/**, format: delta":                           "is no delta table",
		"lake/loose/**, version: 3":                                "has no versions",
		"lake/delta, version: 7":                                   "version 7",
		"'{lake/delta,lake/loose}/**/*.parquet'":                   "set source.uri to " + table,
		"lake/**/*.parquet":                                        "is not read",
		"[lake/delta/**/*.parquet, 'lake/iceberg/data/*.parquet']": "are several tables",
	} {
		_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: "+keys+"}\n"))
		requireEarly(t, err, says)
	}
}

func TestTablesThatAreReadAsLooseFiles(t *testing.T) {
	t.Parallel()
	folder := tablesLake(t)
	cfg := runtest.Configure(t, folder, sourceConfig("lake/delta/**/*.parquet", ", format: parquet"))
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 2, report.Tables[0].RowsLoaded)
	require.Len(t, report.Warnings, 1)
	assert.Contains(t, report.Warnings[0], "lake/delta (Delta Lake) as they lie there: rows that were removed or replaced come back")
	for _, finding := range doctor.Diagnose(t.Context(), pipelines.Diagnosis(cfg)) {
		if strings.HasPrefix(finding.Check, "source") {
			assert.Equal(t, doctor.CheckWarning, finding.Status)
			assert.Contains(t, finding.Hint, "come back")
		}
	}

	_, err = starter.Write(t.Context(), filepath.Join(folder, "lake", "hudi"), folder, config.FormatAuto)
	requireEarly(t, err, "lake/hudi (Hudi)", "--format parquet")
	text, err := starter.Write(t.Context(), filepath.Join(folder, "lake", "delta"), folder, config.FormatParquet)
	require.NoError(t, err)
	assert.Contains(t, text, "      format: parquet\n")
	assert.Contains(t, text, "# warning: format: parquet reads all files of")
	runtest.PlanOf(t, runtest.Configure(t, folder, text))
}

func TestLinksGiveFilesNoSecondTurn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	lake := filepath.Join(folder, "lake")
	ids(t, filepath.Join(lake, "day=2026-01-01", "a.parquet"), 1)
	ids(t, filepath.Join(lake, "day=2026-01-02", "b.parquet"), 2, 3)
	require.NoError(t, os.Symlink("day=2026-01-02", filepath.Join(lake, "current")))
	require.NoError(t, os.Symlink("b.parquet", filepath.Join(lake, "day=2026-01-02", "a-link.parquet")))
	require.NoError(t, os.Link(filepath.Join(lake, "day=2026-01-02", "b.parquet"), filepath.Join(lake, "day=2026-01-02", "c.parquet")))
	require.NoError(t, os.Symlink("..", filepath.Join(lake, "day=2026-01-02", "up")))
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1|2026-01-01", "2|2026-01-02", "3|2026-01-02"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
	assert.Empty(t, report.Warnings)
	notes := strings.Join(runtest.PlanOf(t, cfg).LeftOut, "\n")
	assert.Contains(t, notes, "lake/current/a-link.parquet is "+filepath.Join(lake, "day=2026-01-02/b.parquet")+" by another name")
	assert.Contains(t, notes, "more files by other names")

	// The folders of the file itself count, and those of the link are told.
	require.NoError(t, os.Symlink("day=2026-01-02", filepath.Join(lake, "day=latest")))
	report, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1|2026-01-01", "2|2026-01-02", "3|2026-01-02"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
	require.NotEmpty(t, report.Warnings)
	assert.Contains(t, report.Warnings[0], "lake/day=latest/a-link.parquet is a link to ")

	// Several globs lead to a file, one of them over a link.
	cfg = runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: [lake/current/*.parquet, 'lake/day=2026-01-02/*.parquet']}\n")
	assert.EqualValues(t, 2, runtest.PlanOf(t, cfg).Rows)

	// A folder that is in the lake by its link only.
	ids(t, filepath.Join(folder, "elsewhere", "d.parquet"), 4)
	require.NoError(t, os.Symlink("../elsewhere", filepath.Join(lake, "day=2026-01-03")))
	assert.EqualValues(t, 4, runtest.PlanOf(t, runtest.Configure(t, folder, runtest.NumbersConfig)).Rows)
}

func TestLinksOfWhichNobodyKnowsWhatIsMeant(t *testing.T) {
	t.Parallel()
	cases := map[string]func(t *testing.T, lake string) error{
		"hard links in two partitions": func(t *testing.T, lake string) error {
			ids(t, filepath.Join(lake, "k=1", "a.parquet"), 1)
			require.NoError(t, os.Mkdir(filepath.Join(lake, "k=2"), 0o755))
			return os.Link(filepath.Join(lake, "k=1", "a.parquet"), filepath.Join(lake, "k=2", "a.parquet"))
		},
		"two links to a folder elsewhere": func(t *testing.T, lake string) error {
			ids(t, filepath.Join(lake, "..", "elsewhere", "a.parquet"), 1)
			require.NoError(t, os.MkdirAll(lake, 0o755))
			require.NoError(t, os.Symlink("../elsewhere", filepath.Join(lake, "k=1")))
			return os.Symlink("../elsewhere", filepath.Join(lake, "k=2"))
		},
		"only links have partitions": func(t *testing.T, lake string) error {
			ids(t, filepath.Join(lake, "files", "a.parquet"), 1)
			return os.Symlink("files", filepath.Join(lake, "k=1"))
		},
	}
	for name, arrange := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			require.NoError(t, arrange(t, filepath.Join(folder, "lake")))
			cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
			_, err := pipelines.MakePlan(t.Context(), cfg)
			requireEarly(t, err, "a.parquet are one file, but their folders stand for different values", "partitions: none")
			cfg.Tables[0].Source.Partitions = config.PartitionsNone
			assert.EqualValues(t, 1, runtest.PlanOf(t, cfg).Rows)
		})
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		paths []string
		says  string
	}{
		"a value that decodes to no UTF-8":   {[]string{"k=%FE/f", "k=%FF/f"}, `the folder "k=%FE" of `},
		"a key that decodes to no UTF-8":     {[]string{"%ff=1/f"}, `the folder "%ff=1" of `},
		"one value in two spellings":         {[]string{"k=a%20b/f", "k=a b/f"}, `the folders "k=a b" and "k=a%20b" in `},
		"a percent sign in two spellings":    {[]string{"k=100%/f", "k=100%25/f"}, "mean the same value once they are percent-decoded"},
		"a key in two spellings":             {[]string{"a%41=1/f", "aA=1/f"}, "mean the same value"},
		"two spellings below a folder":       {[]string{"y=1/k=%41/f", "y=1/k=A/f"}, `y=1/ mean the same`},
		"NULL in two spellings":              {[]string{"k=__HIVE_DEFAULT_PARTITION__/f", "k=%5F_HIVE_DEFAULT_PARTITION__/f"}, "mean the same value"},
		"a file that is not UTF-8":           {[]string{"\xfe"}, `\xfe.parquet" is not in UTF-8`},
		"a folder that is not UTF-8":         {[]string{"\xff/f"}, `\xff/f.parquet" is not in UTF-8`},
		"a partition of raw bytes, not UTF8": {[]string{"k=\xfe/f"}, `k=\xfe/f.parquet" is not in UTF-8`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for i, path := range c.paths {
				ids(t, filepath.Join(folder, "lake", path+".parquet"), i)
			}
			_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, runtest.NumbersConfig))
			requireEarly(t, err, c.says)
		})
	}
}

// The same value in different folders is no clash, however it is spelled.
func TestOneValueOfTwoPartitions(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ids(t, filepath.Join(folder, "lake", "y=1", "k=%41 b", "f.parquet"), 1)
	ids(t, filepath.Join(folder, "lake", "y=2", "k=A%20b", "f.parquet"), 2)
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1|1|A b", "2|2|A b"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
}

func TestEmptyFilesAreRefusedBeforeData(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ids(t, filepath.Join(folder, "lake", "a.parquet"), 1)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "lake", "b.parquet"), nil, 0o600))
	_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, runtest.NumbersConfig))
	requireEarly(t, err, "lake/b.parquet: the file is empty (0 bytes)", "remove the file")
}

func TestBracketsInGlobs(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ids(t, filepath.Join(folder, "lake [eu]", "{a}.parquet"), 1)
	for glob, says := range map[string]string{
		"lake [eu]/*.parquet":      `/lake \[eu]/*.parquet`,
		"lake [eu]/{a}.parquet":    `/lake \[eu]/\{a\}.parquet`,
		`lake \[eu]/{a,b}.parquet`: "check source.uri",
		"lake [us]/*.parquet":      "check source.uri",
	} {
		_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, t.TempDir(), sourceConfig(filepath.Join(folder, glob), "")))
		requireEarly(t, err, "no files match", says)
	}
	_, err := plan.FindPath(t.Context(), filepath.Join(folder, "lake [eu"), config.FormatAuto)
	requireEarly(t, err, "neither a file nor a valid glob", `write \[ and \{`)
	at, err := plan.FindPath(t.Context(), filepath.Join(folder, "lake [eu]"), config.FormatAuto)
	require.NoError(t, err)
	assert.Len(t, at.Files(), 1)
}

func TestFoldersWithOtherNames(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"B.PARQUET", "c.parq", "d/e.pq"} {
		ids(t, filepath.Join(folder, name), 1)
	}
	_, err := plan.FindPath(t.Context(), folder, config.FormatAuto)
	requireEarly(t, err, "no files match", "B.PARQUET and 2 more files, for the name does not end in .parquet")
	ids(t, filepath.Join(folder, "a.parquet"), 1)
	layDown(t, filepath.Join(folder, "notes.txt"))
	text, err := starter.Write(t.Context(), folder, folder, config.FormatAuto)
	require.NoError(t, err)
	assert.Contains(t, text, "1 file, ")
	assert.Contains(t, text, "      # left out: "+filepath.Join(folder, "B.PARQUET")+" and 2 more files, for the name does not end in .parquet: a glob such as **/*.PARQUET")
	runtest.PlanOf(t, runtest.Configure(t, folder, text))
}

// Programs write a table that nothing was put into as a file without columns.
func TestFilesWithoutColumnsAreSkipped(t *testing.T) {
	folder := t.TempDir()
	lake := filepath.Join(folder, "lake")
	runtest.WriteTable(t, filepath.Join(lake, "empty.parquet"), `[]`)
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "hold no rows to load: they have no columns either")
	known := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Data, known.Kind)
	assert.False(t, known.Early)
	cfg = runtest.Configure(t, folder, "on_empty: allow\n"+runtest.NumbersConfig+"    columns: {id: {type: bigint}}\n")
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, "0", runtest.Query(t, cfg.Output.Path, `SELECT count(id) FROM x."Extract"."Extract"`))
	require.Len(t, report.Warnings, 1)

	ids(t, filepath.Join(lake, "k=1", "a.parquet"), 1)
	runtest.WriteTable(t, filepath.Join(lake, "k=2", "empty.parquet"), `[]`)
	ids(t, filepath.Join(lake, "k=3", "c.parquet"), 3)
	for _, more := range []string{"", "validate: {engine: go}\n"} {
		cfg = runtest.Configure(t, folder, runtest.NumbersConfig+more)
		report, err = runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"1|1", "3|3"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
		require.Len(t, report.Warnings, 1)
		assert.Contains(t, report.Warnings[0], "lake/empty.parquet and 1 more file have neither columns nor rows: they are skipped")
		assert.Equal(t, 2, report.Tables[0].Files)
	}
	text, err := starter.Write(t.Context(), lake, folder, config.FormatAuto)
	require.NoError(t, err)
	assert.Contains(t, text, "# warning: "+filepath.Join(lake, "empty.parquet")+" and 1 more file have neither")
	runtest.PlanOf(t, runtest.Configure(t, folder, text))
}

// A folder stands for the Parquet files in and below it, locally and on a store.
func TestFolderIsItsFiles(t *testing.T) {
	folder := t.TempDir()
	ids(t, filepath.Join(folder, "lake[1]", "a.parquet"), 1)
	ids(t, filepath.Join(folder, "lake[1]", "deep", "b.parquet"), 2)
	layDown(t, filepath.Join(folder, "lake[1]", "notes.txt"))
	bucket, _ := storagetest.FakeGCS(t)
	for _, name := range []string{"a.parquet", "deep/b.parquet", "notes.txt"} {
		_, err := storage.Upload(t.Context(), filepath.Join(folder, "lake[1]", name), storage.Join(bucket, "lake", name), storage.Any())
		require.NoError(t, err)
	}
	for _, uri := range []string{`lake\[1]`, `./lake\[1]/`, storage.Join(bucket, "lake"), storage.Join(bucket, "lake/")} {
		plan := runtest.PlanOf(t, runtest.Configure(t, folder, sourceConfig(uri, "")))
		assert.EqualValues(t, 2, plan.Rows, uri)
	}
	layDown(t, filepath.Join(folder, "other", "notes.txt"))
	_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, sourceConfig("other", "")))
	requireEarly(t, err, "no files match")
}
