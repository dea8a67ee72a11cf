package cli

import (
	"path/filepath"
	"strings"

	"hyperlake/internal/failure"
)

// noConfigurations say what files are that are taken for configurations, by the ends of their
// names, and what to do with them.
var noConfigurations = map[string]struct{ is, hint string }{
	".tdsx":    {"a packaged data source", unpackHint},
	".twbx":    {"a packaged workbook", unpackHint},
	".tds":     {"the description of a data source, without rows", publishedHint},
	".twb":     {"a workbook, without rows", publishedHint},
	".tde":     {"an extract of the kind before .hyper", "have Tableau Desktop upgrade it to a .hyper file"},
	".tfl":     {"a flow of Tableau Prep", publishedHint},
	".tflx":    {"a packaged flow of Tableau Prep", publishedHint},
	".parquet": {"Parquet", "`hyperlake init` writes a configuration that builds an extract of it"},
	".csv":     {"text with separators", ingestHint},
	".tsv":     {"text with separators", ingestHint},
	".xls":     {"a spreadsheet of the old kind", "save it as .xlsx, for which `hyperlake init` writes a configuration"},
	".xlsx":    {"a spreadsheet", ingestHint},
	".zip":     {"an archive", "unpack it, and name what is in it"},
	".gz":      {"compressed", "unpack it, and name what is in it"},
	".db":      {"a database", lakeHint},
	".sqlite":  {"a database", lakeHint},
	".orc":     {"of another kind than Parquet", lakeHint},
	".avro":    {"of another kind than Parquet", lakeHint},
	".arrow":   {"of another kind than Parquet", lakeHint},
	".jsonl":   {"rows of JSON", ingestHint},
	".sql":     {"SQL", "`hyperlake sql` runs a query on a .hyper file"},
}

const (
	unpackHint    = "unpack it, as a zip archive, and publish the .hyper file that is in it"
	publishedHint = "publish it with Tableau Desktop, tabcmd or tableauserverclient; hyperlake publishes .hyper files"
	ingestHint    = "`hyperlake init` writes a configuration that brings its rows into the lake and builds an extract of them"
	lakeHint      = "bring its rows into Parquet files, and `hyperlake init` writes a configuration that builds an extract of them"
)

// checkConfiguration refuses what is no configuration by its name, or is a .hyper file by what
// stands in it.
func checkConfiguration(path string) error {
	extension := strings.ToLower(filepath.Ext(path))
	if known, ok := noConfigurations[extension]; ok {
		return failure.New(failure.Usage, "%s is %s, not a configuration", path, known.is).WithHint("%s", known.hint)
	}
	switch {
	case extension == hyperExtension:
		return failure.New(failure.Usage, "%s is an extract, not a configuration", path).
			WithHint("`hyperlake publish FILE.hyper` publishes it, `hyperlake inspect FILE.hyper` shows what it holds")
	case isHyper(path):
		return failure.New(failure.Usage, "%s is a .hyper file by what stands in it, not a configuration", path).
			WithHint("give it a name that ends in .hyper")
	}
	return nil
}
