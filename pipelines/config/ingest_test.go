package config_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
)

func TestLoadRefusesIngest(t *testing.T) {
	t.Parallel()
	entry := func(text string) string { return good + "ingest:\n  - " + text + "\n" }
	testBad(t, []badConfig{
		{"no kind", entry("{to: lake/a}"), "x.yaml:4:5: ingest[0] needs one of csv, jsonl, xlsx, postgres, http and command, but has none"},
		{"two kinds", entry("{to: lake/a, csv: {uri: a.csv}, jsonl: {uri: b.jsonl}}"),
			"x.yaml:4:5: ingest[0] needs one of csv, jsonl, xlsx, postgres, http and command, but has csv and jsonl"},
		{"no address", entry("{to: lake/a, http: {records: body}}"),
			"x.yaml:4:24: ingest[0].http.url is missing; give the address of the first page, such as url: https://example.com/items"},
		{"an address of a file", entry("{to: lake/a, http: {url: \"file:///etc\"}}"), "x.yaml:4:30: ingest[0].http.url must be an address such as https://example.com/items"},
		{"a password", entry("{to: lake/a, http: {url: \"https://a:b@example.com\"}}"),
			"x.yaml:4:30: ingest[0].http.url must not hold a password; name the variable with a header of its own in header_env"},
		{"a header", entry("{to: lake/a, http: {url: \"https://example.com\", headers: {a: b}}}"),
			"x.yaml:4:53: headers has no place in a configuration, for it is or holds a secret; put the whole value of the header into a " +
				"variable of the environment, and name that: header_env: {Authorization: API_TOKEN}"},
		{"a value of a header", entry("{to: lake/a, http: {url: \"https://example.com\", header_env: {a: \"Bearer x\"}}}"),
			"x.yaml:4:69: ingest[0].http.header_env.a must be the name of a variable of the environment, made of letters, digits and _, and not the value itself"},
		{"two pagings", entry("{to: lake/a, http: {url: \"https://example.com\", next: link, page: {parameter: p}}}"),
			"x.yaml:4:71: ingest[0].http.page and next both say what follows a page; remove one"},
		{"no expression", entry("{to: lake/a, http: {url: \"https://example.com\", records: bode.x}}"),
			"x.yaml:4:62: ingest[0].http.records: undeclared reference to 'bode' (did you mean 'body'?), at character 1"},
		{"months", entry("{to: lake/a, http: {url: \"https://example.com\", timeout: 1 month}}"), "x.yaml:4:62: ingest[0].http.timeout must be a time such as 90s, 10m or 2h"},
		{"no program", entry("{to: lake/a, command: {run: []}}"),
			"x.yaml:4:33: ingest[0].command.run names no program; write it with its arguments, as in run: [python3, fetch.py]"},
		{"nested CSV", entry("{to: lake/a, command: {run: [a], format: csv, nested: json}}"),
			"x.yaml:4:59: ingest[0].command.nested has no meaning beside format: csv; remove it"},
		{"no variable", entry("{to: lake/a, command: {run: [a], environment: [\"A=b\"]}}"),
			"x.yaml:4:52: ingest[0].command.environment[0] must be the name of a variable, made of letters, digits and _"},
		{"no folder", entry("{name: a, csv: {uri: a.csv}}"),
			"x.yaml:4:5: ingest[0].to is missing; give the folder of the lake that is to hold the rows, such as to: lake/orders"},
		{"a web server", entry("{to: https://example.org/a, csv: {uri: a.csv}}"),
			`x.yaml:4:10: ingest[0].to: "https://example.org/a" is on a web server, which is only read from; use a local path, gs://, s3:// or az://`},
		{"inside of another", entry("{to: lake/a, csv: {uri: a.csv}}\n  - {to: lake/a/b, csv: {uri: b.csv}}"),
			"x.yaml:5:10: ingest[1].to and ingest[0].to are, or hold, the same folder, which each would replace; give one another"},
		{"one name", entry("{to: lake/a, csv: {uri: a.csv}}\n  - {to: bay/a, csv: {uri: b.csv}}"),
			`x.yaml:5:5: ingest[0] and ingest[1] are both named "a"; give one another name`},
		{"no files", entry("{to: lake/a, csv: {header: true}}"), "x.yaml:4:23: ingest[0].csv.uri is missing; give the files to read, such as uri: drop/*.csv"},
		{"no glob", entry("{to: lake/a, jsonl: {uri: \"a[.jsonl\"}}"),
			`x.yaml:4:31: ingest[0].jsonl.uri is no valid glob: in "a[.jsonl", ` + config.BracketHint},
		{"header and names", entry("{to: lake/a, csv: {uri: a.csv, header: true, names: [a]}}"),
			"x.yaml:4:57: ingest[0].csv.names are of files without a header; say header: false, or leave names out"},
		{"neither", entry("{to: lake/a, csv: {uri: a.csv, header: false}}"),
			"x.yaml:4:44: ingest[0].csv: files without a header need names, such as names: [id, amount]"},
		{"header and names of a sheet", entry("{to: lake/a, xlsx: {uri: a.xlsx, header: 2, names: [a]}}"),
			"x.yaml:4:56: ingest[0].xlsx.names are of sheets without a header; leave header or names out"},
		{"no row", entry("{to: lake/a, xlsx: {uri: a.xlsx, header: 0}}"),
			"x.yaml:4:46: ingest[0].xlsx.header must be the number of a row, from 1; if the sheet has no header, say names"},
		{"a row beyond all", entry("{to: lake/a, xlsx: {uri: a.xlsx, header: 2000000}}"),
			"x.yaml:4:24: ingest[0].xlsx: xlsx: header is 2000000, which is no row of a sheet; rows are numbered from 1"},
		{"no sheet", entry("{to: lake/a, xlsx: {uri: a.xlsx, sheet: \"\"}}"),
			"x.yaml:4:45: ingest[0].xlsx.sheet is empty; give it the name of a sheet, or leave the key out for the first that is visible"},
		{"no workbooks", entry("{to: lake/a, xlsx: {sheet: a}}"), "x.yaml:4:24: ingest[0].xlsx.uri is missing; give the files to read, such as uri: drop/*.csv"},
		{"delimiter", entry("{to: lake/a, csv: {uri: a.csv, delimiter: \"||\"}}"),
			`x.yaml:4:23: ingest[0].csv: csv: delimiter "||" is not one ASCII character; write it like delimiter: ";", or "\t" for tabs`},
		{"type", entry("{to: lake/a, csv: {uri: a.csv}, columns: {a: {type: bigit}}}"),
			`x.yaml:4:57: ingest[0].columns.a: hyperd has no type "bigit"; did you mean bigint?`},
		{"no type", entry("{to: lake/a, csv: {uri: a.csv}, columns: {a: {}}}"),
			"x.yaml:4:50: ingest[0].columns.a says nothing; give it a type, such as type: text, or remove it"},
		{"no query", entry("{to: lake/a, postgres: {url_env: PG_URL}}"),
			"x.yaml:4:28: ingest[0].postgres.query is missing; write the rows to read, such as query: select * from orders"},
		{"an address", entry("{to: lake/a, postgres: {url: \"postgres://secret\", query: select 1}}"),
			"x.yaml:4:29: url has no place in a configuration, for it is or holds a secret; put the address into a variable of the environment, " +
				"and name that: url_env: PG_URL"},
		{"an address as a name", entry("{to: lake/a, postgres: {url_env: \"postgres://secret\", query: select 1}}"),
			"x.yaml:4:38: ingest[0].postgres.url_env must be the name of a variable of the environment, made of letters, digits and _, and not the address itself"},
		{"parallel alone", entry("{to: lake/a, postgres: {query: select 1, parallel: 2}}"),
			"x.yaml:4:56: ingest[0].postgres.parallel needs split_by: the column by whose ranges the connections read"},
		{"rejects in it", entry("{to: lake/a, csv: {uri: a.csv}, rejects: {path: lake/a/bad}}"),
			"x.yaml:4:53: ingest[0].rejects.path is, holds or lies in ingest[0].to, which is replaced as a whole"},
	})
}

// Types are pinned in the folder above the first variable that has one above it.
func TestPinnedFolder(t *testing.T) {
	t.Parallel()
	for to, want := range map[string][2]string{
		"lake/rates":                                 {"lake/rates", "rates"},
		"lake/orders/day=${date}":                    {"lake/orders", "orders"},
		"lake/orders-${date}":                        {"lake", "lake"},
		"lake/orders/${date-1d}/${PART}":             {"lake/orders", "orders"},
		"${ROOT}/orders/day=${date}":                 {"bay/deep/orders", "orders"},
		"${ROOT}/orders":                             {"bay/deep/orders", "orders"},
		"gs://bucket/orders/day=${date}":             {"gs://bucket/orders", "orders"},
		"gs://${PART}/orders/day=${date}":            {"gs://a/orders", "orders"},
		"lake/orders/year=2026/day=${date}/part=$${": {"lake/orders/year=2026", "year=2026"},
	} {
		text := good + "ingest: [{to: \"" + to + "\", csv: {uri: a.csv}}]\n"
		path := filepath.Join(t.TempDir(), "x.yaml")
		writeConfig(t, path, text)
		cfg, err := config.Load(path, config.LoadOptions{Date: "2026-11-28", Vars: map[string]string{"ROOT": "bay/deep", "PART": "a"}})
		require.NoError(t, err, to)
		pinned := want[0]
		if pinned[:3] != "gs:" {
			pinned = filepath.Join(filepath.Dir(path), pinned)
		}
		assert.Equal(t, pinned, cfg.Ingest[0].Pinned, to)
		assert.Equal(t, want[1], cfg.Ingest[0].Name, to)
		assert.Equal(t, filepath.Join(filepath.Dir(path), "a.csv"), cfg.Ingest[0].CSV.URI[0])
	}
}
