package metrics

import (
	"slices"

	dto "github.com/prometheus/client_model/go"

	"hyperlake/pipelines/report"
)

// entryFamilies are the metrics of entries.
var entryFamilies = []family{ingestSuccess, ingestDuration, ingestRows, ingestBytes}

// entryLabel is the label of the name of an entry of the section ingest.
const entryLabel = "ingest"

// addIngested adds what the command tells of each entry. What it did not come to know of one stays as it was; entries that the
// configuration has no more are forgotten.
func (e Ending) addIngested(told, before map[string][]*dto.Metric) {
	for _, f := range entryFamilies {
		told[f.name] = nil
	}
	for _, entry := range e.Entries {
		known := e.entrySamples(entry)
		for _, f := range entryFamilies {
			samples, isKnown := known[f.name]
			if !isKnown {
				samples = ofEntry(before[f.name], entry)
			}
			told[f.name] = append(told[f.name], samples...)
		}
	}
}

// entrySamples are those that the command tells of one entry, by metric: nothing where it did not read all of its source.
func (e Ending) entrySamples(entry string) map[string][]*dto.Metric {
	if e.Report == nil {
		return nil
	}
	at := slices.IndexFunc(e.Report.Ingest, func(account report.IngestAccount) bool { return account.Name == entry })
	if at < 0 {
		return nil
	}
	account := e.Report.Ingest[at]
	told := map[string][]*dto.Metric{
		ingestDuration.name: {e.gauge(account.Seconds, entryLabel, entry)},
		ingestRows.name: {
			e.gauge(float64(account.Rows), entryLabel, entry, "fate", "ingested"),
			e.gauge(float64(account.Rejected), entryLabel, entry, "fate", "rejected"),
		},
	}
	if !account.Failed {
		told[ingestSuccess.name] = []*dto.Metric{e.gauge(seconds(e.Ended), entryLabel, entry)}
		told[ingestBytes.name] = []*dto.Metric{e.gauge(float64(account.Bytes), entryLabel, entry)}
	}
	return told
}

// ofEntry are the samples that are about an entry.
func ofEntry(samples []*dto.Metric, entry string) []*dto.Metric {
	return slices.DeleteFunc(slices.Clone(samples), func(sample *dto.Metric) bool {
		return !slices.ContainsFunc(sample.Label, func(label *dto.LabelPair) bool {
			return label.GetName() == entryLabel && label.GetValue() == entry
		})
	})
}
