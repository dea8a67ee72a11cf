package publish

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// NewClient finds out where to publish and as whom. Nothing is sent. What is missing is known
// before any data is read, and an error of kind Publish; what was found is returned nevertheless.
func NewClient(c *config.Config, log *slog.Logger) (*tableau.Client, error) {
	environment, err := tableau.FromEnvironment(os.LookupEnv)
	p := c.Publish
	client := &tableau.Client{
		Server: cmp.Or(p.Server, environment.Server), Site: strings.TrimSpace(p.Site),
		Credentials: tableau.EnvironmentCredentials(os.LookupEnv), APIVersion: environment.APIVersion,
		CAFile: p.CAFile, AllowHTTP: p.AllowHTTP, ChunkBytes: int64(p.ChunkBytes), PayloadLimit: int64(p.PayloadBytes),
		Log: log,
	}
	client.BusyWait = busyWait(p.OnBusy)
	if !c.Written("publish.site") {
		client.Site = environment.Site
	}
	if err != nil {
		return client, tableau.Failure(err).BeforeData()
	}
	if client.Server == "" {
		return client, failure.New(failure.Publish, "no server to publish to is named").
			WithHint("set publish.server, or the variable tab_site_url, to an address such as https://example.online.tableau.com").BeforeData()
	}
	if err := client.Check(); err != nil {
		return client, tableau.Failure(err).BeforeData()
	}
	return client, nil
}

// FindProject finds the project to publish to, which the configuration names by its path or its id. A
// missing one is an error that [tableau.IsNotFound] knows.
func FindProject(ctx context.Context, client *tableau.Client, c *config.PublishConfig) (tableau.Project, error) {
	if c.ProjectID != "" {
		return client.ProjectWithID(ctx, c.ProjectID)
	}
	return client.FindProject(ctx, c.Project)
}

// parcel is what goes to one data source.
type parcel struct {
	datasource string
	tables     []ledgerTable
	keys       []tableau.KeyedTable // the same tables with their foreign keys
	whole      bool                 // they are all tables of the extract
	rows       int64
	format     hyper.Version // of the file, where it is known
}

// takes says whether a table goes to this data source.
func (d *parcel) takes(schema, name string) bool {
	return slices.ContainsFunc(d.tables, func(t ledgerTable) bool { return t.Schema == schema && t.Name == name })
}

// parcelsOf says what goes where, in the order of the tables.
func parcelsOf(c *config.Config, tables []hyper.CatalogTable) []*parcel {
	var all []*parcel
	for _, table := range tables {
		name := c.DatasourceOf(table.Schema, table.Name)
		at := slices.IndexFunc(all, func(d *parcel) bool { return d.datasource == name })
		if at < 0 {
			at, all = len(all), append(all, &parcel{datasource: name})
		}
		all[at].add(table)
	}
	for _, d := range all {
		d.whole = len(all) == 1
		for i, table := range d.keys { // keys that leave for another data source are left out there
			d.keys[i].ForeignKeys = slices.DeleteFunc(table.ForeignKeys, func(key tableau.ForeignKey) bool {
				return !d.takes(key.References.Schema, key.References.Name)
			})
		}
	}
	return all
}

func (d *parcel) add(table hyper.CatalogTable) {
	made := ledgerTable{Schema: table.Schema, Name: table.Name}
	for _, column := range table.Columns {
		made.Columns = append(made.Columns, tableau.Column{Name: column.Name, Type: column.SQLType, Nullable: column.Nullable})
	}
	keyed := tableau.KeyedTable{TableRef: tableau.TableRef{Schema: table.Schema, Name: table.Name}}
	for _, key := range table.ForeignKeys {
		keyed.ForeignKeys = append(keyed.ForeignKeys, tableau.ForeignKey{
			Columns: key.Columns, References: tableau.TableRef{Schema: key.Schema, Name: key.Table},
		})
	}
	d.tables, d.keys, d.rows = append(d.tables, made), append(d.keys, keyed), d.rows+table.Rows
}

// catalogTables are the tables that the extract of a plan will have.
func catalogTables(p *plan.Outline) []hyper.CatalogTable {
	var tables []hyper.CatalogTable
	for _, table := range p.Tables {
		made := hyper.CatalogTable{Schema: table.Schema, Name: table.Name, PrimaryKey: table.PrimaryKey, ForeignKeys: table.ForeignKeys}
		for _, column := range table.Columns {
			made.Columns = append(made.Columns, hyper.CatalogColumn{
				Name: column.Name, SQLType: strings.TrimPrefix(column.SQLType, "TABLEAU."), // as hyperd names it in a file
				Nullable: column.Nullable,
			})
		}
		tables = append(tables, made)
	}
	return tables
}

// check holds a parcel against Tableau's rules: those for the tables of an extract on a
// server of that version, or those for the payload of a data update on the table as it was
// published last.
func (d *parcel) check(p *config.PublishConfig, server tableau.Version, known []ledgerTable) error {
	if !p.Mode.Updates() {
		problems := tableau.CheckTables(d.keys, server)
		if p.Mode == config.PublishMode(tableau.Append) && len(known) == 1 && len(d.tables) == 1 {
			problems = append(problems, tableau.CheckPayload(tableau.Insert, nil, d.tables[0].Columns, known[0].Columns)...)
		}
		return refusePublication(d.datasource, problems)
	}
	if len(d.tables) != 1 {
		return failure.New(failure.Publish, "mode %s changes one table, but %d tables go to the data source %q",
			p.Mode, len(d.tables), d.datasource).
			WithHint("publish a file of one table, or use mode overwrite").BeforeData()
	}
	payload := d.payload(p)
	target, ref := payload, d.target(p)
	for _, table := range known {
		if table.Schema == ref.Schema && table.Name == ref.Name {
			target = table.Columns
		}
	}
	return refusePublication(d.datasource, tableau.CheckPayload(tableau.ActionKind(p.Mode), p.Match, payload, target))
}

// payload are the columns that a data update sends: of a delete, those of match alone.
func (d *parcel) payload(p *config.PublishConfig) []tableau.Column {
	if p.Mode != config.PublishMode(tableau.Delete) {
		return d.tables[0].Columns
	}
	return slices.DeleteFunc(slices.Clone(d.tables[0].Columns), func(c tableau.Column) bool { return !slices.Contains(p.Match, c.Name) })
}

// target is the table that a data update changes.
func (d *parcel) target(p *config.PublishConfig) tableau.TableRef {
	return tableau.TableRef{Schema: cmp.Or(p.Target.Schema, d.tables[0].Schema), Name: cmp.Or(p.Target.Name, d.tables[0].Name)}
}

// refusePublication makes one error of what is wrong, which is known before anything is sent.
func refusePublication(datasource string, problems []tableau.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	var messages []string
	for _, problem := range problems {
		messages = append(messages, problem.Message)
	}
	return failure.New(failure.Publish, "data source %q cannot be published: Tableau's rule is that %s, but %s",
		datasource, problems[0].Rule, strings.Join(messages, "; ")).WithHint("%s", problems[0].Hint).BeforeData()
}
