package tableau_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/sinks/tableau"
)

func TestNewestFormat(t *testing.T) {
	t.Parallel()
	for product, want := range map[string]int{
		"2026.1.0": 4, "2024.3.0": 4, "2024.3": 4, "2024.2.9": 3, "2023.1.0": 3, "2022.4.1": 2, "2022.2.0": 2, "2022.1.2": 2,
		"2022.1.1": 1, "2022.1": 2, "2021.4.4": 2, "2021.4.3": 1, "2021.3.8": 2, "2021.3.0": 1, "2020.4.15 (20204.22.0501.1234)": 2,
		"2020.4.14": 1, "2020.3.20": 1, "2020.1.1": 1, "2020.1.0": 0, "2019.4.5": 1, "2019.4.4": 0, "2019.1.20": 0, "10.5.3": 0,
		"": 4, "near.future.0": 4,
	} {
		info := tableau.ServerInfo{Product: product}
		info.Server, _ = tableau.ParseVersion(product)
		assert.Equal(t, want, info.NewestFormat(), product)
		assert.Empty(t, tableau.CheckFormat(want, info), product)
		if want < 4 {
			problems := tableau.CheckFormat(4, info)
			assert.Len(t, problems, 1, product)
			assert.Contains(t, problems[0].Message, "the extract has format version 4, and Tableau Server "+product+" reads none above ")
			assert.Contains(t, problems[0].Hint, "Tableau Server 2024.3.0 or newer")
			assert.NotContains(t, problems[0].Hint, "format_version: 1", "in which nothing is built")
		}
	}
}
