package notify

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

var night = time.Date(2026, 11, 28, 2, 30, 0, 0, time.UTC)

// aMessage is that of a run on a host and at a time that do not change.
func aMessage(o Outcome, name string, event config.NotifyEvent) Message {
	return messageOf("run", o, name, event)
}

// messageOf is that of another command.
func messageOf(command string, o Outcome, name string, event config.NotifyEvent) Message {
	n := Notifier{told: config.Told{Name: name}, command: command}
	m := n.message(o)
	m.Host, m.Started, m.Seconds = "etl-1", night, 12.34
	if event == config.NotifyRecovered {
		m.FailingSince = night.Add(-48 * time.Hour)
	}
	if m.RunID != "" {
		m.Report = "/data/sales.hyperlake/runs/" + m.RunID + ".json"
	}
	m.write(event)
	return m
}

func succeeded() *report.Report {
	return &report.Report{
		RunID: "20261128T023000Z-0badcafe", Status: report.Succeeded, Output: report.Output{Path: "/data/sales.hyper"}, Complete: true,
		Warnings: []string{"something"},
		Tables: []report.TableAccount{{
			Schema: "Extract", Name: "orders", RowsLoaded: 150000, RowsRejected: 1234, RejectsPath: "/data/rejects",
			Rules:   []report.Rule{{Name: "o_price >= 0", Failed: 1234, OnFail: "reject"}, {Name: "late", Failed: 2, OnFail: "warn"}, {Name: "new", OnFail: "reject"}},
			Samples: []report.Sample{{Rule: "o_price >= 0", Reason: "o_price is c4nary"}},
			Columns: []report.Column{{Name: "o_price", Min: "c4nary", Max: "c4nary"}},
			Checks:  []report.CheckResult{{Name: "check", Samples: [][]string{{"c4nary"}}, Message: "c4nary"}},
		}},
		Refresh: &report.RefreshAccount{
			Mode: report.RefreshChanged, UnitsChanged: 2, Units: 1100,
			Before:     &report.RunBefore{RowsLoaded: 149000},
			RowsByUnit: []report.TableUnits{{Units: []report.UnitRows{{Unit: "c4nary"}}}},
		},
		Publish: &report.Publishing{Datasource: "Sales", Outcome: "published"},
	}
}

// ingested is the report of a command that only filled the lake, or of a run before it made anything of it.
func ingested() *report.Report {
	return &report.Report{
		RunID: "20261128T023000Z-0badcafe", Status: report.Succeeded, Output: report.Output{Path: "/data/sales.hyper"},
		Ingest: []report.IngestAccount{
			{Name: "rates", Rows: 1100, Rejected: 3, RejectsPath: "/data/rejects/rates", Drift: []string{"c4nary"}, Rules: []report.IngestRule{
				{Rule: "type double precision", Column: "rate", Rows: 2}, {Rule: "columns", Rows: 1},
			}},
			{Name: "orders", Rows: 7},
		},
	}
}

// notIngested is the end of a command whose second entry had too many rejects.
func notIngested() Outcome {
	f := failure.New(failure.Data, "ingest orders: 4 of 7 rows were rejected, more than max_rows: 3").WithHint("look at the rejects")
	r := ingested()
	r.Status, r.Ingest[1] = report.Rejected, report.IngestAccount{Name: "orders", Rows: 3, Rejected: 4, Failed: true}
	r.Error = &report.Error{Kind: f.Kind}
	return Outcome{ExitCode: 3, Failure: f, Report: r}
}

func refused() Outcome {
	r := succeeded()
	r.Status, r.Refresh.Mode, r.Refresh.Reason, r.Publish = report.Rejected, report.RefreshFull, "nothing was made before", nil
	f := failure.New(failure.Data, "Extract.orders: 1,234 rows were rejected, but at most 1,000 may be").WithHint("look at the rejects in /data/rejects")
	f.More = []*failure.Error{failure.New(failure.Check, "another thing").WithHint("look at it")}
	r.Error = &report.Error{Kind: f.Kind}
	return Outcome{ExitCode: 3, Failure: f, Report: r, History: "hyperlake history /conf/sales.yaml"}
}

// TestGoldenPayloads compares what is sent with files. UPDATE_GOLDEN=1 writes them anew.
func TestGoldenPayloads(t *testing.T) {
	t.Parallel()
	hostile := refused()
	hostile.Failure = failure.New(failure.Source, "no file <!channel> <https://evil.example|click> & @all *b*\x1b[31m \u202e`x` [a](http://b)\nof a")
	done := Outcome{Report: succeeded(), History: "hyperlake history /conf/sales.yaml"}
	unchanged := done
	unchanged.Report = &report.Report{RunID: done.Report.RunID, Status: report.Unchanged, Output: done.Report.Output}
	messages := map[string]Message{
		"refused":   aMessage(refused(), "sales", config.NotifyFailure),
		"hostile":   aMessage(hostile, "<@U1> & @here", config.NotifyFailure),
		"recovered": aMessage(done, "sales", config.NotifyRecovered),
		"rejects":   aMessage(done, "sales", config.NotifyRejects),
		"unchanged": aMessage(unchanged, "sales", config.NotifyUnchanged),
		"ingested":  messageOf(commandIngest, Outcome{Report: ingested()}, "sales", config.NotifyRejects),
		"rejected":  messageOf(commandIngest, notIngested(), "sales", config.NotifyFailure),
		"early":     aMessage(Outcome{ExitCode: 2, Failure: failure.New(failure.Config, "x.yaml:3:1: unknown key")}, "sales", config.NotifyFailure),
	}
	for name, message := range messages {
		for _, format := range []config.NotifyFormat{config.NotifySlack, config.NotifyTeams, config.NotifyPlain} {
			sent, err := payload(format, message)
			require.NoError(t, err)
			assert.NotContains(t, string(sent), "c4nary", "a value of a row")
			var text bytes.Buffer
			require.NoError(t, json.Indent(&text, sent, "", "  "))
			path := filepath.Join("testdata", name+"."+string(format)+".json")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(path, text.Bytes(), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(want), text.String(), path)
		}
	}
}

// Whatever is long, a message stays short, says where to look, and no format breaks.
func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"x", "&", "<", "é", "𝄞", "@a ", "\x00", "\xff"} {
		o := refused()
		long := strings.Repeat(c, 20_000)
		o.Failure = failure.New(failure.Data, "%s", long).WithHint("%s", long)
		for range 100 {
			o.Failure.More = append(o.Failure.More, failure.New(failure.Data, "%s", long))
			o.Report.Tables[0].Rules = append(o.Report.Tables[0].Rules, report.Rule{Name: long, Failed: 1, OnFail: "reject"})
		}
		o.Report.Output.Path = long
		o.Report.Tables[0].RejectsPath = long
		m := aMessage(o, strings.Repeat(c, 200), config.NotifyFailure)
		assert.LessOrEqual(t, utf8.RuneCountInString(m.Title+"\n"+m.Text), maxText)
		assert.Contains(t, m.Text, "Runs: hyperlake history /conf/sales.yaml")
		assert.LessOrEqual(t, utf8.RuneCountInString(slackOf(m).Text), maxText)
		for _, format := range []config.NotifyFormat{config.NotifySlack, config.NotifyTeams, config.NotifyPlain} {
			sent, err := payload(format, m)
			require.NoError(t, err)
			assert.Less(t, len(sent), 50_000)
			assert.True(t, json.Valid(sent))
			if format == config.NotifyTeams {
				assert.Less(t, len(sent), 28_000, "what Teams takes")
			}
		}
	}
}

func TestFailuresAreTold(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status report.Status // empty of a run without a report
		kind   failure.Kind
		title  string
	}{
		{report.Failed, failure.Locked, "did not run, because another run has the lock of the output"},
		{report.Interrupted, failure.Interrupted, "was interrupted"},
		{"", failure.Interrupted, "was interrupted"},
		{report.Rejected, failure.Check, "failed: the data was refused"},
		{report.Unpublished, failure.Publish, "made the extract, but did not publish it"},
		{report.Failed, failure.Hyperd, "failed"},
		{report.Succeeded, failure.Storage, "failed"}, // its report could not be written
		{"", failure.Config, "failed before it began"},
	}
	for _, c := range cases {
		o := Outcome{ExitCode: 1, Failure: failure.New(c.kind, "why")}
		if c.status != "" {
			o.Report = &report.Report{RunID: "1", Status: c.status}
			if c.status != report.Succeeded {
				o.Report.Error = &report.Error{}
			}
		}
		m := aMessage(o, "n", config.NotifyFailure)
		assert.Equal(t, "n "+c.title+" (run on etl-1)", m.Title)
		assert.NotEqual(t, report.Succeeded, m.Status)
	}
}
