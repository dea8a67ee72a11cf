package metrics

import (
	"bytes"
	"context"
	"fmt"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/report"
)

// Ending is the end of a command.
type Ending struct {
	Name           string // of the configuration
	Started, Ended time.Time
	ExitCode       int

	// Publishes says that the command publishes an extract that stands there, and builds none.
	Publishes bool

	// Ingests says that the command only brings entries into the lake, and builds none either.
	Ingests bool

	// Entries are the names of what the configuration has brought into the lake, in its order. What is told of others is forgotten.
	Entries []string

	// Report is nil of a command that ended before it had one.
	Report *report.Report
}

// The exit codes that decide whether publishing makes a run a success.
const (
	exitDone        = 0
	exitUnpublished = 4
)

// family is a metric: all of them are gauges.
type family struct{ name, help string }

// The metrics, in the order of the file.
var (
	lastSuccess = family{
		"hyperlake_run_last_success_timestamp_seconds", "When a command of the configuration ended last with exit code 0. Failures leave it.",
	}
	lastEnd  = family{"hyperlake_run_last_end_timestamp_seconds", "When a command of the configuration ended last, however."}
	duration = family{"hyperlake_run_duration_seconds", "How long that command took."}
	exitCode = family{
		"hyperlake_run_exit_code",
		"Exit code of that command: 0 done, 2 configuration, 3 data, 4 built but not published, 5 locked, 1 and others failed.",
	}
	stages       = family{"hyperlake_run_stage_duration_seconds", "How long the stages of that command took."}
	rows         = family{"hyperlake_rows", "Rows by what became of them, in the last run that counted all."}
	inputBytes   = family{"hyperlake_input_bytes", "Bytes of the columns to read, as stored, of the whole extract, in that run."}
	readBytes    = family{"hyperlake_read_bytes", "Bytes of the columns that this run really read, as stored."}
	units        = family{"hyperlake_units", "Units of the lake (partitions, else files) in the last run that compared them."}
	unitsChanged = family{"hyperlake_units_changed", "Units that run found changed, those that were gone among them."}
	extractBytes = family{"hyperlake_extract_bytes", "Bytes of the extract that stands at the output."}
	newest       = family{
		"hyperlake_newest_data_timestamp_seconds",
		"When the lake was changed last that the extract at the output was made of: its newest file, or the version of the table.",
	}
	publishedBytes = family{"hyperlake_published_bytes", "Bytes that the last command which published sent."}
	ingestSuccess  = family{
		"hyperlake_ingest_last_success_timestamp_seconds", "When the entry was last brought into the lake. Failures leave it.",
	}
	ingestDuration = family{"hyperlake_ingest_duration_seconds", "How long the last ingest of the entry took that read all of its source."}
	ingestRows     = family{"hyperlake_ingest_rows", "Rows of the source by what became of them, in that ingest."}
	ingestBytes    = family{"hyperlake_ingest_bytes", "Bytes of the Parquet files that the last success brought into the lake."}

	families = []family{
		lastSuccess, lastEnd, duration, exitCode, stages, rows, inputBytes, readBytes, units, unitsChanged, extractBytes, newest, publishedBytes,
		ingestSuccess, ingestDuration, ingestRows, ingestBytes,
	}
)

// Write writes the file at a local path, after the end of a command. Others write it neither at the same time nor for another
// configuration: what they left is lost then, which the warning says; it is empty where there is nothing to say. Errors are of kind
// Storage.
func Write(ctx context.Context, path string, e Ending) (warning string, err error) {
	before, warning := read(path, e.Name)
	var text bytes.Buffer
	known := e.samples(before)
	for _, f := range families {
		samples, isKnown := known[f.name]
		if !isKnown {
			samples = before[f.name]
		}
		if len(samples) == 0 {
			continue
		}
		whole := dto.MetricFamily{Name: &f.name, Help: &f.help, Type: dto.MetricType_GAUGE.Enum(), Metric: samples}
		if _, err := expfmt.MetricFamilyToText(&text, &whole); err != nil {
			return warning, fmt.Errorf("write the metrics: %w", err)
		}
	}
	if err := storage.Put(ctx, path, text.Bytes()); err != nil {
		return "", failure.New(failure.Storage, "write the metrics to %s: %w", path, err).
			WithHint("see that the folder can be written, or set metrics.textfile to another place")
	}
	return warning, nil
}

// samples are those that a command tells, by metric. What is missing stays as it was: all of runs, where a command only brings entries
// into the lake, so that its success hides no failure of theirs.
func (e Ending) samples(before map[string][]*dto.Metric) map[string][]*dto.Metric {
	told := map[string][]*dto.Metric{}
	if !e.Ingests {
		told = e.runSamples(before)
	}
	e.addIngested(told, before)
	return told
}

// runSamples are the samples of a command that builds or publishes.
func (e Ending) runSamples(before map[string][]*dto.Metric) map[string][]*dto.Metric {
	told := map[string][]*dto.Metric{
		lastEnd.name:  {e.gauge(seconds(e.Ended))},
		duration.name: {e.gauge(e.Ended.Sub(e.Started).Seconds())},
		exitCode.name: {e.gauge(float64(e.ExitCode))},
		stages.name:   nil,
	}
	switch {
	case e.ExitCode == exitDone && (!e.Publishes || mayComplete(before)):
		told[lastSuccess.name] = []*dto.Metric{e.gauge(seconds(e.Ended))}
	case len(before[lastSuccess.name]) == 0:
		told[lastSuccess.name] = e.successBefore()
	}
	if e.Report == nil {
		return told
	}
	told[stages.name] = e.stageSamples()
	if p := e.Report.Publish; p != nil {
		sent := p.Bytes
		for _, other := range p.Others {
			sent += other.Bytes
		}
		told[publishedBytes.name] = []*dto.Metric{e.gauge(float64(sent))}
	}
	if !e.Publishes {
		e.addBuilt(told)
	}
	return told
}

// mayComplete says whether a success of publishing is one of the run before, which may have left just that to be done.
func mayComplete(before map[string][]*dto.Metric) bool {
	for _, code := range before[exitCode.name] {
		if value := code.GetGauge().GetValue(); value != exitDone && value != exitUnpublished {
			return false
		}
	}
	return true
}

// successBefore is the last success that the report knows of, for a file that is new.
func (e Ending) successBefore() []*dto.Metric {
	if e.Report == nil {
		return nil
	}
	var last []*dto.Metric
	for _, run := range e.Report.History {
		if run.Seconds != nil && (run.Status == report.Succeeded || run.Status == report.Unchanged) {
			last = []*dto.Metric{e.gauge(seconds(run.Started) + *run.Seconds)}
		}
	}
	return last
}

// stageSamples are the stages; one that was done twice took the sum of both.
func (e Ending) stageSamples() []*dto.Metric {
	took := map[string]*dto.Metric{}
	var samples []*dto.Metric
	for _, stage := range e.Report.Stages {
		sample := took[stage.Name]
		if sample == nil {
			sample = e.gauge(0, "stage", stage.Name)
			took[stage.Name] = sample
			samples = append(samples, sample)
		}
		*sample.Gauge.Value += stage.Seconds
	}
	return samples
}

// addBuilt adds what only a command tells that builds: as far as it counted, compared, and left an extract.
func (e Ending) addBuilt(told map[string][]*dto.Metric) {
	r := e.Report
	if account := r.Refresh; account != nil {
		told[units.name] = []*dto.Metric{e.gauge(float64(account.Units))}
		told[unitsChanged.name] = []*dto.Metric{e.gauge(float64(account.UnitsChanged))}
	}
	if r.Complete {
		told[rows.name], told[inputBytes.name] = nil, nil
		read := r.BytesIn()
		if r.Refresh != nil {
			read = r.Refresh.BytesRead
		}
		told[readBytes.name] = []*dto.Metric{e.gauge(float64(read))}
		for _, table := range r.Tables {
			told[rows.name] = append(told[rows.name], e.fates(table)...)
			told[inputBytes.name] = append(told[inputBytes.name], e.gauge(float64(table.BytesIn), "schema", table.Schema, "table", table.Name))
		}
	}
	if r.Status.HasExtract() && !r.IngestOnly {
		told[extractBytes.name] = []*dto.Metric{e.gauge(float64(r.Output.Bytes))}
		told[newest.name] = nil
		for _, table := range r.Tables {
			if !table.Newest.IsZero() {
				told[newest.name] = append(told[newest.name], e.gauge(seconds(table.Newest), "schema", table.Schema, "table", table.Name))
			}
		}
	}
}

// fates are the rows of a table by what became of them.
func (e Ending) fates(table report.TableAccount) []*dto.Metric {
	var samples []*dto.Metric
	for _, fate := range []struct {
		word string
		rows int64
	}{
		{"deleted", table.RowsDeleted}, {"filtered", table.RowsFiltered}, {"loaded", table.RowsLoaded}, {"pruned", table.RowsPruned},
		{"read", table.RowsRead}, {"rejected", table.RowsRejected},
	} {
		samples = append(samples, e.gauge(float64(fate.rows), "schema", table.Schema, "table", table.Name, "fate", fate.word))
	}
	return samples
}

// gauge is a value with the name of the configuration, and more labels, given as name and value.
func (e Ending) gauge(value float64, labels ...string) *dto.Metric {
	return newGauge(value, append([]string{nameLabel, e.Name}, labels...))
}

// nameLabel is the label of the name of the configuration, which every sample has.
const nameLabel = "name"

func newGauge(value float64, labels []string) *dto.Metric {
	sample := &dto.Metric{Gauge: &dto.Gauge{Value: &value}}
	for i := 0; i+1 < len(labels); i += 2 {
		sample.Label = append(sample.Label, &dto.LabelPair{Name: &labels[i], Value: &labels[i+1]})
	}
	return sample
}

// seconds is a time as Prometheus has it, to the millisecond.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
