package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

// legacyLedger is the file of version 1, which stood beside an extract and told of all its data sources.
type legacyLedger struct {
	Version int `json:"version"`
	Entries []struct {
		RunID        string             `json:"run_id"`
		SHA256       string             `json:"sha256"`
		Content      string             `json:"content"`
		Rows         int64              `json:"rows"`
		Mode         config.PublishMode `json:"mode"`
		Match        []string           `json:"match"`
		Server       string             `json:"server"`
		Site         string             `json:"site"`
		Project      string             `json:"project"`
		Datasource   string             `json:"datasource"`
		DatasourceID string             `json:"datasource_id"`
		JobID        string             `json:"job_id"`
		Outcome      string             `json:"outcome"`
		Parts        []struct {
			Done bool `json:"done"`
		} `json:"parts"`
		Done    int           `json:"done"`
		Started time.Time     `json:"started"`
		Updated time.Time     `json:"datasource_updated"`
		Tables  []ledgerTable `json:"tables"`
	} `json:"entries"`
}

// takeOver takes in what a ledger of version 1 beside the extract tells of the data source. What that
// had not finished is in doubt: it did not keep enough to go on.
func (l *ledger) takeOver(ctx context.Context, extract string) error {
	uri := extract + ".ledger.json"
	var old legacyLedger
	switch err := storage.GetJSON(ctx, uri, &old); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unreadable(uri, err)
	}
	for i, e := range old.Entries {
		about := address{Server: e.Server, Site: e.Site, ProjectID: l.ProjectID, Datasource: e.Datasource}
		if about != l.address || !sameProject(e.Project, l.Project) || e.Outcome == outcomeUnchanged {
			continue
		}
		s := &step{Rows: e.Rows, State: missing, Evidence: byReply, JobID: e.JobID, Sent: e.Started, SentLocal: e.Started}
		switch {
		case e.Outcome == outcomePublished:
			s.State = applied
		case e.Outcome != outcomeFailed, e.Done > 0, len(e.Parts) > 0:
			s.State, s.Evidence = unknown, ""
		}
		l.add(&delivery{
			ID: fmt.Sprintf("%s/v1-%d", e.RunID, i), RunID: e.RunID, SHA256: e.SHA256, Content: e.Content, Rows: e.Rows,
			Mode: e.Mode, Match: e.Match, DatasourceID: e.DatasourceID, Before: -1, Steps: []*step{s}, Started: e.Started,
		})
		if s.State == applied {
			l.Standing = standing{DatasourceID: e.DatasourceID, Updated: e.Updated, Rows: -1}
		}
		if e.Tables != nil {
			l.Tables = e.Tables
		}
	}
	return nil
}
