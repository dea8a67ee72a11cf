package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hyperlake/internal/words"
)

// mostBytes is more than the metrics of a configuration take.
const mostBytes = 4 << 20

// read is the samples of a configuration in the file that stands at a path, by metric. What cannot be read is none, and told.
func read(path, name string) (samples map[string][]*dto.Metric, warning string) {
	found, err := parse(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ""
	case err != nil:
		return nil, fmt.Sprintf("the metrics in %s are written anew, without the last success: %v", path, err)
	}
	samples = map[string][]*dto.Metric{}
	for _, f := range families {
		seen := map[string]bool{}
		for _, sample := range found[f.name].GetMetric() {
			labels, of := labelsOf(sample)
			if of != name {
				warning = fmt.Sprintf("the metrics of the configuration %s in %s are lost: give each configuration a metrics.textfile of its own",
					words.Shorten(of), path)
				continue
			}
			if key := fmt.Sprintf("%q", labels); sample.Gauge != nil && !seen[key] {
				seen[key] = true
				samples[f.name] = append(samples[f.name], newGauge(sample.GetGauge().GetValue(), labels))
			}
		}
	}
	return samples, warning
}

// parse reads a file of the text format.
func parse(path string) (map[string]*dto.MetricFamily, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() || stat.Size() > mostBytes {
		return nil, errors.New("what stands there is no file of metrics")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostBytes))
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(bytes.NewReader(text))
}

// labelsOf are the labels of a sample, as name and value one after another, and the name of its configuration.
func labelsOf(sample *dto.Metric) (labels []string, name string) {
	for _, label := range sample.GetLabel() {
		if labels = append(labels, label.GetName(), label.GetValue()); label.GetName() == nameLabel {
			name = label.GetValue()
		}
	}
	return labels, name
}
