package publish

import (
	"context"
	"strings"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// warnOfRepeated tells of rows of a payload that change the same row of the data source: which of
// them it is left with is up to the server. Of a delete, that makes no difference. Values of rows are not told.
func (t *transfer) warnOfRepeated(ctx context.Context, s *shipment, file string, record *report.Publishing) error {
	mode := s.want.Mode
	if mode != config.PublishMode(tableau.UpdateRows) && mode != config.PublishMode(tableau.Upsert) {
		return nil
	}
	table := s.tables[0]
	rows, err := hyper.CountRepeated(ctx, t.lease, file, hyper.Table{Schema: table.Schema, Name: table.Name}, s.want.Match)
	if err != nil || rows == 0 {
		return err
	}
	record.RepeatedKeys = rows
	t.options.Log.Warn("rows of the payload have the same keys as others: which of them the data source is left with is up to the server",
		"datasource", s.datasource, "match", strings.Join(s.want.Match, ", "), "rows", rows)
	return nil
}
