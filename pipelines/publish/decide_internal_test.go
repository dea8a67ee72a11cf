package publish

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hyperlake/pipelines/config"
	"hyperlake/sinks/tableau"
)

// The data source of these tests was changed last at noon.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// past is a delivery of an hour ago, in the states of its steps.
func past(mode tableau.Mode, content string, states ...state) *delivery {
	d := &delivery{Mode: config.PublishMode(mode), Content: content, DatasourceID: "one"}
	for _, now := range states {
		sentAt := noon.Add(-time.Hour)
		d.Steps = append(d.Steps, &step{State: now, RequestID: "id", Sent: sentAt, SentLocal: sentAt})
	}
	return d
}

// with changes a delivery, for tables.
func (d *delivery) with(change func(*delivery)) *delivery {
	change(d)
	return d
}

func inSet(d *delivery)       { d.Set, d.Content = "set", "" }
func afterOthers(d *delivery) { d.AfterOthers = true }
func aged(d *delivery)        { d.Steps[0].Sent = noon.Add(-24 * time.Hour) }
func elsewhere(d *delivery)   { d.DatasourceID = "another" }

// once has steps that were applied, before others changed the data source.
func once(d *delivery) {
	for _, s := range d.Steps {
		s.Once = true
	}
}

// Once nothing is in doubt any more, that delivery alone decides.
func TestSettled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode    tableau.Mode // of the rows x
		earlier *delivery
		noted   bool // if_changed
		want    verdict
	}{
		"in doubt still":                {tableau.Append, past(tableau.Append, "x", unknown), false, ask},
		"not there":                     {tableau.Append, past(tableau.Append, "x", missing), false, send},
		"there":                         {tableau.Append, past(tableau.Append, "x", applied), false, leave},
		"there in another way":          {tableau.Append, past(tableau.Mode(tableau.Insert), "x", applied), false, leave},
		"created":                       {tableau.Create, past(tableau.Create, "x", applied), false, leave},
		"part of it there":              {tableau.Mode(tableau.Insert), past(tableau.Mode(tableau.Insert), "x", applied, missing), false, goOn},
		"part of it, in another way":    {tableau.Append, past(tableau.Mode(tableau.Insert), "x", applied, missing), false, refuse},
		"there by overwrite":            {tableau.Append, past(tableau.Overwrite, "x", applied), false, refuse},
		"there by overwrite if changed": {tableau.Append, past(tableau.Overwrite, "x", applied), true, leave},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := situation{want: past(c.mode, "x", planned), ifChanged: c.noted}.settled(c.earlier)
			assert.Equal(t, c.want, got.verdict)
		})
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	const (
		appended = tableau.Append
		inserted = tableau.Mode(tableau.Insert)
		updated  = tableau.Mode(tableau.UpdateRows)
		upserted = tableau.Mode(tableau.Upsert)
		deleted  = tableau.Mode(tableau.Delete)
	)
	type test struct {
		mode    tableau.Mode // of the rows x
		past    []*delivery
		changed bool // by others, since
		missing bool // there is no data source
		noted   bool // if_changed
		set     bool
		want    verdict
		earlier int // index of the delivery because of which it is, from 1
	}
	for name, c := range map[string]test{
		"first":                          {mode: appended, want: send},
		"no data source any more":        {mode: appended, past: []*delivery{past(appended, "x", applied)}, missing: true, want: send},
		"the data source is another one": {mode: appended, past: []*delivery{past(appended, "x", applied).with(elsewhere)}, want: send},

		"added before":                       {mode: appended, past: []*delivery{past(appended, "x", applied)}, want: leave, earlier: 1},
		"added before in another way":        {mode: inserted, past: []*delivery{past(appended, "x", applied)}, want: leave, earlier: 1},
		"other rows were added":              {mode: appended, past: []*delivery{past(appended, "y", applied)}, want: send},
		"added, and others changed it since": {mode: appended, past: []*delivery{past(appended, "x", applied)}, changed: true, want: ask, earlier: 1},
		"added, and others changed it before other rows": {
			mode: appended, past: []*delivery{past(appended, "x", applied), past(appended, "y", applied).with(afterOthers)}, want: ask, earlier: 1},
		"added, then rows were deleted": {
			mode: appended, past: []*delivery{past(appended, "x", applied), past(deleted, "y", applied)}, want: ask, earlier: 1},
		"added, then replaced for sure": {
			mode: appended, past: []*delivery{past(appended, "x", applied), past(tableau.Overwrite, "y", applied)}, want: send},
		"added, then perhaps replaced": {
			mode: appended, past: []*delivery{past(appended, "x", applied), past(tableau.Overwrite, "y", unknown)}, want: ask, earlier: 1},
		"refused before":           {mode: appended, past: []*delivery{past(appended, "x", missing)}, want: send},
		"append in doubt":          {mode: appended, past: []*delivery{past(appended, "x", unknown)}, want: ask, earlier: 1},
		"append of a dead process": {mode: appended, past: []*delivery{past(appended, "x", sent)}, want: ask, earlier: 1},
		"append in doubt, and others changed it": {
			mode: appended, past: []*delivery{past(appended, "x", unknown)}, changed: true, want: ask, earlier: 1},
		"other rows are in doubt": {mode: appended, past: []*delivery{past(appended, "y", unknown)}, want: send},

		"insert in doubt":                     {mode: inserted, past: []*delivery{past(inserted, "x", unknown)}, want: goOn, earlier: 1},
		"insert in doubt for a day":           {mode: inserted, past: []*delivery{past(inserted, "x", unknown).with(aged)}, want: ask, earlier: 1},
		"insert of what may be gone":          {mode: inserted, past: []*delivery{past(inserted, "x", unknown).with(once)}, want: ask, earlier: 1},
		"insert in doubt, then an append":     {mode: appended, past: []*delivery{past(inserted, "x", unknown)}, want: ask, earlier: 1},
		"insert in parts":                     {mode: inserted, past: []*delivery{past(inserted, "x", applied, missing)}, want: goOn, earlier: 1},
		"insert in parts, one in doubt":       {mode: inserted, past: []*delivery{past(inserted, "x", applied, sent, planned)}, want: goOn, earlier: 1},
		"insert in parts, then an append":     {mode: appended, past: []*delivery{past(inserted, "x", applied, missing)}, want: refuse, earlier: 1},
		"insert in parts, and others changed": {mode: inserted, past: []*delivery{past(inserted, "x", applied, missing)}, changed: true, want: ask, earlier: 1},

		"insert in parts in doubt, then others changed other rows": {
			mode: inserted, past: []*delivery{past(inserted, "x", applied, unknown), past(appended, "y", applied)}, changed: true, want: ask, earlier: 1},

		"overwritten with the same":                {mode: appended, past: []*delivery{past(tableau.Overwrite, "x", applied)}, want: refuse, earlier: 1},
		"overwritten with the same, if changed":    {mode: appended, past: []*delivery{past(tableau.Overwrite, "x", applied)}, noted: true, want: leave, earlier: 1},
		"perhaps overwritten with the same":        {mode: appended, past: []*delivery{past(tableau.Overwrite, "x", unknown)}, want: ask, earlier: 1},
		"deleted before, so that it is not there":  {mode: appended, past: []*delivery{past(deleted, "x", applied)}, noted: true, want: send},
		"updated before, which brings no new rows": {mode: inserted, past: []*delivery{past(updated, "x", applied)}, noted: true, want: send},

		"overwrite again":                       {mode: tableau.Overwrite, past: []*delivery{past(tableau.Overwrite, "x", applied)}, want: send},
		"overwrite if changed":                  {mode: tableau.Overwrite, past: []*delivery{past(tableau.Overwrite, "x", applied)}, noted: true, want: leave, earlier: 1},
		"overwrite if changed, made by create":  {mode: tableau.Overwrite, past: []*delivery{past(tableau.Create, "x", applied)}, noted: true, want: leave, earlier: 1},
		"overwrite if changed, other rows":      {mode: tableau.Overwrite, past: []*delivery{past(tableau.Overwrite, "y", applied)}, noted: true, want: send},
		"overwrite if changed, added to others": {mode: tableau.Overwrite, past: []*delivery{past(appended, "x", applied)}, noted: true, want: send},
		"overwrite if changed, by others":       {mode: tableau.Overwrite, past: []*delivery{past(tableau.Overwrite, "x", applied)}, noted: true, changed: true, want: send},
		"overwrite in doubt":                    {mode: tableau.Overwrite, past: []*delivery{past(tableau.Overwrite, "x", unknown)}, noted: true, want: send, earlier: 1},
		"overwrite, other rows in doubt":        {mode: tableau.Overwrite, past: []*delivery{past(tableau.Overwrite, "y", unknown)}, noted: true, want: send},
		"create in doubt":                       {mode: tableau.Create, past: []*delivery{past(tableau.Create, "x", unknown)}, want: ask, earlier: 1},

		"set, the first in doubt": {
			mode: tableau.Overwrite, set: true, past: []*delivery{past(tableau.Overwrite, "", unknown, planned).with(inSet)}, want: goOn, earlier: 1},
		"set, the second in doubt": {
			mode: tableau.Overwrite, set: true, past: []*delivery{past(tableau.Overwrite, "", applied, unknown).with(inSet)}, want: ask, earlier: 1},
		"set, the second missing": {
			mode: tableau.Overwrite, set: true, past: []*delivery{past(tableau.Overwrite, "", applied, missing).with(inSet)}, want: goOn, earlier: 1},
		"set, and others changed it": {
			mode: tableau.Overwrite, set: true, past: []*delivery{past(tableau.Overwrite, "", applied, missing).with(inSet)}, changed: true, want: send},

		"upsert again":                    {mode: upserted, past: []*delivery{past(upserted, "x", applied)}, want: send},
		"upsert if changed":               {mode: upserted, past: []*delivery{past(upserted, "x", applied)}, noted: true, want: leave, earlier: 1},
		"upsert if changed, others since": {mode: upserted, past: []*delivery{past(upserted, "x", applied), past(upserted, "y", unknown)}, noted: true, want: send},
		"upsert in parts":                 {mode: upserted, past: []*delivery{past(upserted, "x", applied, missing)}, want: goOn, earlier: 1},
		"upsert in parts, and others":     {mode: upserted, past: []*delivery{past(upserted, "x", applied, missing)}, changed: true, want: send},
		"upsert in doubt":                 {mode: upserted, past: []*delivery{past(upserted, "x", unknown)}, want: send, earlier: 1},
		"another mode in between":         {mode: deleted, past: []*delivery{past(deleted, "x", applied), past(inserted, "x", applied)}, noted: true, want: send},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := past(c.mode, "x", planned)
			if c.set {
				inSet(want)
			}
			s := situation{
				want: want, now: clock{local: noon}, ifChanged: c.noted, found: &tableau.Datasource{ID: "one", UpdatedAt: noon},
				ledger: &ledger{Standing: standing{DatasourceID: "one", Updated: noon}, Deliveries: c.past},
			}
			if c.changed {
				s.found.UpdatedAt = noon.Add(time.Minute)
			}
			if c.missing {
				s.found = nil
			}
			got := s.decide()
			assert.Equal(t, c.want, got.verdict)
			if c.earlier == 0 {
				assert.Nil(t, got.earlier)
			} else {
				assert.Same(t, c.past[c.earlier-1], got.earlier)
			}
		})
	}
}
