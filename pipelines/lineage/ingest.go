package lineage

import (
	"net/url"
	"slices"
	"strings"

	"hyperlake/internal/ingest"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// sourcesOf are the datasets that an entry is brought into the lake from, without credentials and queries.
func sourcesOf(entry config.IngestConfig) []dataset {
	var globs config.Globs
	switch {
	case entry.CSV != nil:
		globs = entry.CSV.URI
	case entry.JSONL != nil:
		globs = entry.JSONL.URI
	case entry.XLSX != nil:
		globs = entry.XLSX.URI
	case entry.HTTP != nil:
		return []dataset{ofAPI(entry.HTTP.URL)}
	case entry.Command != nil:
		return []dataset{{Namespace: "command", Name: entry.Command.Run[0]}} // arguments may hold a password
	case entry.Postgres != nil:
		return []dataset{ofPostgres(entry.Postgres.URLEnv)}
	}
	var all []dataset
	for _, glob := range globs {
		base, _ := storage.SplitGlob(glob)
		all = append(all, at(base))
	}
	return all
}

// ofAPI is the dataset that an API is: its server, and the path there.
func ofAPI(address string) dataset {
	parsed, err := url.Parse(address)
	if err != nil {
		return dataset{Namespace: "http", Name: "an address that cannot be read"}
	}
	return dataset{Namespace: parsed.Scheme + "://" + parsed.Host, Name: "/" + strings.Trim(parsed.Path, "/")}
}

// ofPostgres is the database that a query reads. Which of its tables, the query alone knows.
func ofPostgres(urlEnv string) dataset {
	address, isKnown := ingest.PostgresAddress(urlEnv)
	server, database, hasDatabase := strings.Cut(strings.TrimPrefix(address, "postgres://"), "/")
	if !isKnown || !hasDatabase || database == "" {
		return dataset{Namespace: "postgres", Name: "unknown"}
	}
	return dataset{Namespace: "postgres://" + server, Name: database}
}

// accountOf is what the report knows of an entry; nil where it did not read all of its source.
func accountOf(r *report.Report, entry config.IngestConfig) *report.IngestAccount {
	if r == nil {
		return nil
	}
	at := slices.IndexFunc(r.Ingest, func(account report.IngestAccount) bool { return account.Name == entry.Name })
	if at < 0 {
		return nil
	}
	return &r.Ingest[at]
}

// ingestInputs are the datasets that entries are brought into the lake from, each once, with how many rows it had.
func (c Command) ingestInputs(r *report.Report) []dataset {
	all := []dataset{}
	for _, entry := range c.Entries {
		of := sourcesOf(entry)
		for _, source := range of {
			if slices.ContainsFunc(all, source.isSame) {
				continue
			}
			if account := accountOf(r, entry); account != nil && len(of) == 1 {
				source.InputFacets = map[string]facet{
					"inputStatistics": c.newFacet("inputStatistics", facet{"rowCount": account.Rows + account.Rejected}),
				}
			}
			all = append(all, source)
		}
	}
	return all
}

// isSame says whether another dataset has the same names.
func (d dataset) isSame(other dataset) bool {
	return d.Namespace == other.Namespace && d.Name == other.Name
}

// filled are the folders of the lake that the command fills: all of its entries as long as there is no report, else those that it did.
func (c Command) filled(r *report.Report) []dataset {
	if r != nil {
		return c.ingested(r)
	}
	all := []dataset{}
	for _, entry := range c.Entries {
		all = append(all, at(entry.Pinned))
	}
	return all
}

// ingested are the folders of the lake that were filled, with what is known of them. A folder of a day, or of another variable, is a part
// of the dataset around it, which tables are made of.
func (c Command) ingested(r *report.Report) []dataset {
	all := []dataset{}
	for _, entry := range c.Entries {
		account := accountOf(r, entry)
		if account == nil || account.Failed {
			continue
		}
		folder, fields := at(entry.Pinned), []any{}
		for i, column := range account.Columns {
			fields = append(fields, map[string]any{"name": column.Name, "type": column.Type, "ordinal_position": i + 1})
		}
		folder.Facets = map[string]facet{
			"storage": c.newFacet("storage", facet{"storageLayer": "parquet", "fileFormat": "parquet"}),
			"schema":  c.newFacet("schema", facet{"fields": fields}),
		}
		folder.OutputFacets = map[string]facet{
			"outputStatistics": c.newFacet("outputStatistics", facet{"rowCount": account.Rows, "size": account.Bytes}),
		}
		all = append(all, folder)
	}
	return all
}
