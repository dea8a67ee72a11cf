package lineage

import (
	"net/url"
	"strings"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// dataset is what is read or written, by the names that all who tell of it give it.
type dataset struct {
	Namespace string           `json:"namespace"`
	Name      string           `json:"name"`
	Facets    map[string]facet `json:"facets,omitempty"`

	InputFacets  map[string]facet `json:"inputFacets,omitempty"`
	OutputFacets map[string]facet `json:"outputFacets,omitempty"`
}

// facet is something that is known, in a form that a schema of OpenLineage describes.
type facet map[string]any

// The schemas of the facets that are told, by their keys.
var schemas = map[string]string{
	"schema":             "1-2-0/SchemaDatasetFacet",
	"columnLineage":      "1-2-0/ColumnLineageDatasetFacet",
	"dataQualityMetrics": "1-0-0/DataQualityMetricsDatasetFacet",
	"version":            "1-0-1/DatasetVersionDatasetFacet",
	"storage":            "1-0-1/StorageDatasetFacet",
	"inputStatistics":    "1-0-0/InputStatisticsInputDatasetFacet",
	"outputStatistics":   "1-0-2/OutputStatisticsOutputDatasetFacet",
	"errorMessage":       "1-0-1/ErrorMessageRunFacet",
	"processing_engine":  "1-1-1/ProcessingEngineRunFacet",
	"jobType":            "2-0-4/JobTypeJobFacet",
}

// newFacet adds to a facet what says which it is.
func (c Command) newFacet(key string, known facet) facet {
	path := schemas[key]
	_, name, _ := strings.Cut(path, "/")
	known["_producer"], known["_schemaURL"] = c.producer(), "https://openlineage.io/spec/facets/"+path+".json#/$defs/"+name
	return known
}

// at is the dataset at a place of storage: a file or a folder.
func at(uri string) dataset {
	scheme, rest, isRemote := strings.Cut(uri, "://")
	if !isRemote {
		return dataset{Namespace: "file", Name: strings.TrimSuffix(uri, "/")}
	}
	place, name, _ := strings.Cut(rest, "/")
	return dataset{Namespace: scheme + "://" + place, Name: strings.Trim(name, "/")}
}

// ofTable is the dataset that an entry of a catalog is.
func ofTable(catalog *config.CatalogConfig) dataset {
	address, err := url.Parse(catalog.URI)
	if err != nil {
		return dataset{Namespace: "iceberg", Name: catalog.Table}
	}
	return dataset{Namespace: "iceberg://" + address.Host, Name: catalog.Table}
}

// sources are the datasets that a table is made of.
func sources(table config.TableConfig) []dataset {
	if table.Source.Catalog != nil {
		return []dataset{ofTable(table.Source.Catalog)}
	}
	var all []dataset
	for _, glob := range table.Source.URI {
		base, _ := storage.SplitGlob(glob)
		all = append(all, at(base))
	}
	return all
}

// inputs are the datasets that a run reads, each once, with what the report knows of them; it may be nil.
func (c Command) inputs(r *report.Report) []dataset {
	all := []dataset{}
	seen := map[[2]string]bool{}
	for i, table := range c.Config.Tables {
		of := sources(table)
		for _, source := range of {
			if key := [2]string{source.Namespace, source.Name}; !seen[key] {
				seen[key] = true
				if r != nil && len(r.Tables) == len(c.Config.Tables) {
					c.describeInput(&source, &r.Tables[i], len(of) == 1 && r.Complete)
				}
				all = append(all, source)
			}
		}
	}
	return all
}

// describeInput adds what is known of a source, and how much of it was read if it is counted.
func (c Command) describeInput(source *dataset, table *report.TableAccount, counted bool) {
	source.Facets = map[string]facet{}
	layer := "parquet"
	if v := table.Source; v != nil {
		layer = v.Format
		source.Facets["version"] = c.newFacet("version", facet{"datasetVersion": v.Version})
	}
	source.Facets["storage"] = c.newFacet("storage", facet{"storageLayer": layer, "fileFormat": "parquet"})
	if counted {
		source.InputFacets = map[string]facet{"inputStatistics": c.newFacet("inputStatistics", facet{
			"rowCount": table.RowsRead, "size": table.BytesIn, "fileCount": table.Files,
		})}
	}
}

// extract is the dataset of one table of the extract, which is that of the file if it has no other.
func (c Command) extract(table config.TableConfig) dataset {
	file := at(c.Config.Output.Path)
	if len(c.Config.Tables) > 1 {
		file.Name += "#" + table.Schema + "." + table.Name
	}
	return file
}

// outputs are the datasets that a run writes, with what the report knows of them; it may be nil.
func (c Command) outputs(r *report.Report) []dataset {
	all := []dataset{}
	known := r != nil && r.Complete && len(r.Tables) == len(c.Config.Tables)
	for i, table := range c.Config.Tables {
		made := c.extract(table)
		if known {
			c.describeOutput(&made, table, r, i)
		}
		all = append(all, made)
	}
	if r != nil {
		all = append(all, c.published(r)...)
	}
	return all
}

// describeOutput adds the columns of a table, what they are made of, and what is counted.
func (c Command) describeOutput(made *dataset, asked config.TableConfig, r *report.Report, index int) {
	table := &r.Tables[index]
	statistics := facet{"rowCount": table.RowsLoaded, "fileCount": max(len(r.Outputs), 1)}
	if len(r.Tables) == 1 {
		statistics["size"] = r.Output.Bytes
	}
	made.OutputFacets = map[string]facet{"outputStatistics": c.newFacet("outputStatistics", statistics)}
	if len(table.Columns) == 0 {
		return
	}
	fields, metrics, ways := []any{}, map[string]any{}, map[string]any{}
	from, renamed := sources(asked), map[string]string{}
	for source, column := range asked.Columns {
		if column.Rename != "" {
			renamed[column.Rename] = source
		}
	}
	for i, column := range table.Columns {
		fields = append(fields, map[string]any{"name": column.Name, "type": column.SQLType, "ordinal_position": i + 1})
		metrics[column.Name] = map[string]any{"nullCount": column.Nulls}
		source, isRenamed := renamed[column.Name]
		if !isRenamed {
			source = column.Name
		}
		ways[column.Name] = map[string]any{"inputFields": inputFields(from, source, asked.Columns[source])}
	}
	made.Facets = map[string]facet{
		"schema":             c.newFacet("schema", facet{"fields": fields}),
		"dataQualityMetrics": c.newFacet("dataQualityMetrics", facet{"rowCount": table.RowsLoaded, "columnMetrics": metrics}),
		"columnLineage":      c.newFacet("columnLineage", facet{"fields": ways}),
	}
}

// inputFields says that a column is made of one of the sources: as it is, unless it is asked otherwise.
func inputFields(from []dataset, source string, asked config.ColumnConfig) []any {
	how := "IDENTITY"
	if asked.Type != "" || asked.Default != nil || asked.Format != "" || asked.Timezone != "" || asked.Nested != "" {
		how = "TRANSFORMATION"
	}
	fields := []any{}
	for _, of := range from {
		fields = append(fields, map[string]any{
			"namespace": of.Namespace, "name": of.Name, "field": source, "transformations": []any{map[string]any{"type": "DIRECT", "subtype": how}},
		})
	}
	return fields
}

// published are the data sources that have the rows now.
func (c Command) published(r *report.Report) []dataset {
	if r.Publish == nil {
		return nil
	}
	var all []dataset
	for _, source := range append([]*report.Publishing{r.Publish}, r.Publish.Others...) {
		if source.Outcome != "published" && source.Outcome != "unchanged" {
			continue
		}
		server, err := url.Parse(source.Server)
		if err != nil {
			continue
		}
		known := dataset{Namespace: "tableau://" + server.Host, Name: strings.Join([]string{source.Site, source.Project, source.Datasource}, "/")}
		if source.Outcome == "published" {
			sent := facet{"rowCount": source.Rows, "size": source.Bytes}
			known.OutputFacets = map[string]facet{"outputStatistics": c.newFacet("outputStatistics", sent)}
		}
		all = append(all, known)
	}
	return all
}
