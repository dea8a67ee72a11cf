package config

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
	"hyperlake/sinks/tableau"
)

// PublishConfig is where and how an extract is published. What it leaves out of server and
// site comes from the environment, as do credentials, which never stand in a configuration.
type PublishConfig struct {
	// Server is the address, such as https://example.online.tableau.com. Default: tab_site_url.
	Server string `yaml:"server"`

	// Site is the contentUrl of the site; empty text is the default site. Default: tab_site_id.
	Site string `yaml:"site"`

	// Project is a path of names such as Sales/Nightly; a slash inside of a name is written
	// \/. Default: the site's default project.
	Project string `yaml:"project"`

	// ProjectID names the project by its id instead, which also finds one below a project that
	// the user cannot see.
	ProjectID string `yaml:"project_id"`

	// CreateProject makes the projects of the path that are missing.
	CreateProject bool `yaml:"create_project"`

	// Datasource is the name of the data source. Default: the name of the run.
	Datasource string `yaml:"datasource"`

	// Mode is what becomes of the data source. Default: overwrite.
	Mode PublishMode `yaml:"mode"`

	// Match names the columns, as the data source has them, that identify a row, for the
	// modes update, upsert and delete.
	Match []string `yaml:"match"`

	// Target is the table that a data update changes. Default: the one of the same name.
	Target TargetConfig `yaml:"target"`

	// IfChanged leaves a data source alone to which the same rows were published last.
	IfChanged bool `yaml:"if_changed"`

	// Confirm says how it is found out what became of something that was sent and not answered. Default: none.
	Confirm Confirmation `yaml:"confirm"`

	// AsJob says whether the server publishes in the background. Default: auto, from 64 MB on.
	AsJob JobChoice `yaml:"as_job"`

	// AllowHTTP permits a server without TLS.
	AllowHTTP bool `yaml:"allow_http"`

	// CAFile is a PEM file of certificate authorities to trust besides the system's; absolute or empty.
	CAFile string `yaml:"ca_file"`

	// ChunkBytes is the most of a file that one request holds; at most 64m. Default: files from 64 MB on are sent in
	// parts of 32m.
	ChunkBytes ByteSize `yaml:"chunk_bytes"`

	// PayloadBytes is the server's limit for the payload of a data update. Default: 100 MB.
	PayloadBytes ByteSize `yaml:"payload_bytes"`

	// Timeout bounds how long publishing takes in all. Default: none, but that of its parts.
	Timeout Span `yaml:"timeout"`

	// OnBusy is what becomes of a publication while somebody else is changing the data source. Default: wait.
	OnBusy BusyChoice `yaml:"on_busy"`

	// Description, Certified, CertificationNote and Owner, the name of a user, are what is said about the data source, and
	// Tags are added to those that it has. What is left out stays as it is.
	Description       string   `yaml:"description"`
	Tags              []string `yaml:"tags"`
	Certified         *bool    `yaml:"certified"`
	CertificationNote string   `yaml:"certification_note"`
	Owner             string   `yaml:"owner"`

	// Refresh is what depends on the data source, and is refreshed once its rows have changed.
	Refresh FollowConfig `yaml:"refresh"`
}

// TargetConfig names a table of a published data source.
type TargetConfig struct {
	// Schema and Name are those of the table.
	Schema string `yaml:"schema"`
	Name   string `yaml:"name"`
}

// PublishMode is what becomes of a data source: a publication of the whole extract, or a
// change of its rows.
type PublishMode string

const defaultPublishMode = PublishMode(tableau.Overwrite)

// SyncRows has a data source hold what the extract holds, and sends only the units of rows that changed, where that can be.
const SyncRows PublishMode = "sync"

var (
	publicationModes = []PublishMode{
		PublishMode(tableau.Create), PublishMode(tableau.Overwrite), PublishMode(tableau.Append), PublishMode(tableau.Replace),
	}
	updateModes = []PublishMode{
		PublishMode(tableau.Insert), PublishMode(tableau.UpdateRows), PublishMode(tableau.Upsert), PublishMode(tableau.Delete),
	}
)

// UnmarshalText reads the word as a configuration gives it.
func (m *PublishMode) UnmarshalText(text []byte) error {
	return words.OneOf(m, text, slices.Concat(publicationModes, updateModes, []PublishMode{SyncRows})...)
}

// Updates says whether the mode changes rows, instead of publishing a file.
func (m PublishMode) Updates() bool { return slices.Contains(updateModes, m) }

// Matches says whether the mode needs the columns that identify a row.
func (m PublishMode) Matches() bool { return m.Updates() && m != PublishMode(tableau.Insert) }

// Adds says whether doing it twice leaves the rows in the data source twice.
func (m PublishMode) Adds() bool {
	return m == PublishMode(tableau.Append) || m == PublishMode(tableau.Insert)
}

// Syncs says whether only what changed is sent.
func (m PublishMode) Syncs() bool { return m == SyncRows }

// Renews says whether all that the data source holds is replaced by the extract.
func (m PublishMode) Renews() bool { return !m.Updates() && !m.Adds() && !m.Syncs() }

// Fills says whether the data source holds the rows of the extract afterwards, as they are.
func (m PublishMode) Fills() bool { return m.Adds() || m.Renews() || m.Syncs() }

// Splits says whether a payload can be sent in parts.
func (m PublishMode) Splits() bool {
	return m == PublishMode(tableau.Insert) || m == PublishMode(tableau.Upsert)
}

// Confirmation is a way to find out what became of something that was sent to the server and not answered.
type Confirmation string

// The ways of confirmation.
const (
	ConfirmNone     Confirmation = "none"     // somebody has to look
	ConfirmDownload Confirmation = "download" // the data source is downloaded, and its rows are compared
)

// UnmarshalText reads the word as a configuration gives it.
func (c *Confirmation) UnmarshalText(text []byte) error {
	return words.OneOf(c, text, ConfirmNone, ConfirmDownload)
}

// JobChoice says whether the server publishes in the background.
type JobChoice tableau.AsJob

// UnmarshalText reads auto, true or false.
func (j *JobChoice) UnmarshalText(text []byte) error {
	switch string(text) {
	case "auto":
		*j = JobChoice(tableau.JobIfLarge)
	case "true":
		*j = JobChoice(tableau.JobAlways)
	case "false":
		*j = JobChoice(tableau.JobNever)
	default:
		return &words.UnknownError{Known: []string{"auto", "true", "false"}, Word: string(text)}
	}
	return nil
}

// ByteSize is a number of bytes.
type ByteSize int64

var byteSizePattern = regexp.MustCompile(`^([1-9][0-9]{0,11})([kmg]?)$`)

// UnmarshalText reads a number of bytes, or of the units k, m and g, which are powers of 1024.
func (b *ByteSize) UnmarshalText(text []byte) error {
	found := byteSizePattern.FindStringSubmatch(strings.ToLower(string(text)))
	if found == nil {
		return fmt.Errorf("must be a size such as 32m, or a number of bytes, not %s", words.Shorten(string(text)))
	}
	number, err := strconv.ParseInt(found[1], 10, 64)
	*b = ByteSize(number << map[string]int{"": 0, "k": 10, "m": 20, "g": 30}[found[2]])
	return err
}

// checkPublish checks what needs neither a plan nor a server.
func (c *Config) checkPublish() error {
	p := c.Publish
	var wrong []error
	for i, table := range c.Tables {
		if key := fmt.Sprintf("tables[%d].datasource", i); c.Written(key) && table.Datasource == "" {
			wrong = append(wrong, c.Problem(key, "%s is empty; give it a value, or remove the key", key))
		}
	}
	if p == nil {
		return failure.Join(failure.Config, wrong...)
	}
	for _, text := range []struct{ key, value string }{
		{"server", p.Server}, {"project", p.Project}, {"project_id", p.ProjectID}, {"datasource", p.Datasource}, {"ca_file", p.CAFile},
		{"target.schema", p.Target.Schema}, {"target.name", p.Target.Name}, {"description", p.Description},
		{"certification_note", p.CertificationNote}, {"owner", p.Owner},
	} {
		if key := "publish." + text.key; c.Written(key) && text.value == "" {
			wrong = append(wrong, c.Problem(key, "%s is empty; give it a value, or remove the key", key))
		}
	}
	p.setDefaults(c.Name)
	wrong = append(wrong, c.checkPublishServer(), c.checkPublishMode(), c.checkPublishProperties(), c.checkPublishRefresh())
	return failure.Join(failure.Config, wrong...)
}

// setDefaults fills in what is left out, for a run of a name.
func (p *PublishConfig) setDefaults(name string) {
	p.Mode = cmp.Or(p.Mode, defaultPublishMode)
	p.Confirm = cmp.Or(p.Confirm, ConfirmNone)
	p.Datasource = cmp.Or(p.Datasource, name)
	p.OnBusy = cmp.Or(p.OnBusy, BusyWait)
}

// checkPublishTables checks whether the tables can be published so.
func (c *Config) checkPublishTables() error {
	p := c.Publish
	if p == nil || !c.IsSound("publish") {
		return nil
	}
	for i, table := range c.Tables {
		if key := fmt.Sprintf("tables[%d].repartition.split_by", i); table.Repartition.SplitBy != "" && c.IsSound(key) {
			return c.Problem(key, "%s makes several extracts, but publish sends one; "+
				"leave publish out, and publish each file with `hyperlake publish FILE`", key)
		}
	}
	tables := c.tablesByDatasource()
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if p.Mode.Updates() && len(tables[name]) > 1 && c.IsSound("tables") {
			return c.Problem("publish.mode", "mode %s changes one table, but %d tables go to the data source %q; "+
				"give each a datasource of its own, or use mode overwrite", p.Mode, len(tables[name]), name)
		}
	}
	return nil
}

// checkPublishServer checks how the server is reached.
func (c *Config) checkPublishServer() error {
	p := c.Publish
	wrong := []error{c.CheckLocalPath("publish.ca_file", p.CAFile)}
	if p.Server != "" && c.IsSound("publish.allow_http") {
		client := tableau.Client{Server: p.Server, AllowHTTP: p.AllowHTTP}
		if err := client.Check(); err != nil {
			wrong = append(wrong, strictyaml.KeyProblem(c.Place("publish.server"), "publish.server", "publish.server: %v", err).
				WithHint("%s", tableau.Hint(err)))
		}
	}
	if p.Project != "" {
		if _, err := tableau.ParseProjectPath(p.Project); err != nil {
			wrong = append(wrong, c.Problem("publish.project",
				`publish.project: %v; write a path such as Sales/Nightly, and \/ for a slash inside of a name`, err))
		}
	}
	for _, other := range []struct {
		key     string
		written bool
	}{{"project", p.Project != ""}, {"create_project", p.CreateProject}} {
		if p.ProjectID != "" && other.written {
			wrong = append(wrong, c.Problem("publish.project_id",
				"publish.project_id names a project that is there, and publish.%s has no meaning beside it; remove one of them", other.key))
		}
	}
	if p.ChunkBytes > tableau.MaxChunkBytes {
		wrong = append(wrong, c.Problem("publish.chunk_bytes", "publish.chunk_bytes is %d, but servers take at most %d (64m)",
			p.ChunkBytes, tableau.MaxChunkBytes))
	}
	return failure.Join(failure.Config, wrong...)
}

// checkPublishMode checks what belongs to the mode.
func (c *Config) checkPublishMode() error {
	p := c.Publish
	if !c.IsSound("publish.mode", "publish.match") {
		return nil
	}
	var wrong []error
	if p.Mode.Matches() && len(p.Match) == 0 {
		wrong = append(wrong, c.Problem("publish.mode", "mode %s needs match; name the columns that identify a row, as in match: [id]", p.Mode))
	}
	if !p.Mode.Matches() && c.Written("publish.match") {
		wrong = append(wrong, c.Problem("publish.match",
			"publish.match has no meaning in mode %s; remove it, or use update, upsert or delete", p.Mode))
	}
	if !p.Mode.Updates() && c.Written("publish.target") {
		wrong = append(wrong, c.Problem("publish.target",
			"publish.target has no meaning in mode %s, which publishes all tables; remove it", p.Mode))
	}
	return failure.Join(failure.Config, append(wrong, c.checkNames("publish.match", p.Match))...)
}

// tablesByDatasource says which tables go to which data source.
func (c *Config) tablesByDatasource() map[string][]tableau.TableRef {
	tables := map[string][]tableau.TableRef{}
	for _, table := range c.Tables {
		name := c.DatasourceOf(table.Schema, table.Name)
		tables[name] = append(tables[name], tableau.TableRef{Schema: table.Schema, Name: table.Name})
	}
	return tables
}

// DatasourceOf is the name of the data source that a table of the extract goes to.
func (c *Config) DatasourceOf(schema, name string) string {
	for _, table := range c.Tables {
		if table.Schema == schema && table.Name == name && table.Datasource != "" {
			return table.Datasource
		}
	}
	return c.Publish.Datasource
}

// LoadFile makes a configuration that publishes the .hyper file at path, under its own
// name unless the settings say another. Errors are those of [Load].
func LoadFile(path, name string, opts LoadOptions) (*Config, error) {
	root := &strictyaml.Node{Kind: strictyaml.MappingNode, At: strictyaml.Place{File: path}}
	if err := strictyaml.NewSetting(root.At, []string{"publish", "datasource"}, strconv.Quote(name)).Apply(root); err != nil {
		return nil, err
	}
	if err := (&reader{opts: opts}).applySettings(root); err != nil {
		return nil, err
	}
	cfg, err := decodeConfig(root)
	if err != nil {
		return nil, err
	}
	for _, other := range []struct {
		key     string
		written bool
	}{
		{"tables", cfg.Tables != nil}, {"output", cfg.Written("output")}, {"staging", cfg.Written("staging")}, {"notify", cfg.Written("notify")},
	} {
		if other.written {
			return nil, failure.New(failure.Usage, "%s has no meaning where a file is published without a configuration", other.key).
				WithHint("set keys of publish and hyperd only")
		}
	}
	cfg.Name, cfg.Output.Path = name, path
	if err := cfg.checkHyperd(); err != nil {
		return nil, err
	}
	return cfg, failure.Join(failure.Config, cfg.checkPublish(), cfg.checkPublishTables())
}
