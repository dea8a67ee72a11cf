package publish

import (
	"context"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
)

// Plan is where a run would publish, and what is wrong with that as far as it is
// known without asking the server.
type Plan struct {
	Server      string              `json:"server"` // empty: neither the configuration nor the environment names one that can be used
	Site        string              `json:"site"`   // empty: the default site
	Project     string              `json:"project"`
	ProjectID   string              `json:"project_id,omitempty"` // where it is named by that
	Mode        config.PublishMode  `json:"mode"`
	Match       []string            `json:"match,omitempty"`
	IfChanged   bool                `json:"if_changed"`
	OnBusy      config.BusyChoice   `json:"on_busy"`
	Datasources []PlannedDatasource `json:"datasources"`

	// What is said about the data sources afterwards; what is empty stays as it is.
	Description       string           `json:"description,omitempty"`
	Tags              []string         `json:"tags,omitempty"`
	Certified         *bool            `json:"certified,omitempty"`
	CertificationNote string           `json:"certification_note,omitempty"`
	Owner             string           `json:"owner,omitempty"`
	Refreshes         []PlannedRefresh `json:"refreshes,omitempty"`

	// Problems keep a run from starting, wherever it is started.
	Problems []Problem `json:"problems,omitempty"`

	// Missing is what a run needs and this process's environment does not have.
	Missing []Problem `json:"missing,omitempty"`

	refusal error // the first of the problems
}

// PlannedDatasource is a data source with the tables of the extract that go there.
type PlannedDatasource struct {
	Name   string         `json:"name"`
	Tables []PlannedTable `json:"tables"`
	Reason string         `json:"reason,omitempty"` // why mode sync sends all rows, where that is known
}

// PlannedRefresh is what is refreshed once rows have changed.
type PlannedRefresh struct {
	Kind string `json:"kind"` // workbook, flow or task
	Name string `json:"name"`
}

// PlannedTable names a table of the extract.
type PlannedTable struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// Problem says what is wrong and what to do.
type Problem struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Refusal is the failure, of kind Publish, with which a run of the plan ends before it starts; nil if it
// starts, or publishes nothing. It says nothing about what is missing in this environment.
func (p *Plan) Refusal() error {
	if p == nil {
		return nil
	}
	return p.refusal
}

// MakePlan says where a plan leads; nil if it is not published. It sends nothing.
func MakePlan(ctx context.Context, cfg *config.Config, plan *plan.Outline) *Plan {
	if cfg.Publish == nil {
		return nil
	}
	client, err := NewClient(cfg, nil)
	c := cfg.Publish
	made := &Plan{
		Server: client.Address(), Site: client.Site, Project: c.Project, ProjectID: c.ProjectID,
		Mode: c.Mode, Match: c.Match, IfChanged: c.IfChanged, OnBusy: c.OnBusy,
		Description: c.Description, Tags: c.Tags, Certified: c.Certified, CertificationNote: c.CertificationNote, Owner: c.Owner,
	}
	for _, each := range refreshesOf(c) {
		made.Refreshes = append(made.Refreshes, PlannedRefresh{Kind: each.Kind, Name: each.Name})
	}
	if err != nil {
		made.Missing = append(made.Missing, newPublishProblem(err))
	}
	p, units := &Publisher{cfg: cfg, client: client}, UnitsOf(plan)
	for _, d := range parcelsOf(cfg, catalogTables(plan)) {
		source := PlannedDatasource{Name: d.datasource}
		for _, table := range d.tables {
			source.Tables = append(source.Tables, PlannedTable{Schema: table.Schema, Name: table.Name})
		}
		if c.Mode.Syncs() {
			_, source.Reason = columnsOf(d.tables, units, nil)
		}
		made.Datasources = append(made.Datasources, source)
		if err := p.check(ctx, d); err != nil {
			made.refuse(err)
		}
	}
	return made
}

// refuse adds a problem.
func (p *Plan) refuse(err error) {
	if p.refusal == nil {
		p.refusal = err
	}
	p.Problems = append(p.Problems, newPublishProblem(err))
}

func newPublishProblem(err error) Problem {
	told := failure.Of(err, failure.Publish)
	return Problem{Message: told.Message, Hint: told.Hint}
}
