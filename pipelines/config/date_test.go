package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
)

func TestDates(t *testing.T) {
	t.Parallel()
	const text = "name: n-${date}\ntimezone: ${ZONE}\noutput: {path: out/${date-1d}/x.hyper}\n" +
		"tables: [{source: {uri: ['lake/dt=${date-36 months}/*.parquet', 'a$${date}'], where: \"dt == '${date-2w}'\"}}]\n"
	cfg, message := loadText(t, text, config.LoadOptions{Date: "2026-02-28", Vars: map[string]string{"ZONE": "Europe/Oslo"}})
	require.Empty(t, message)
	assert.Equal(t, time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC), cfg.Date)
	assert.Equal(t, config.Timezone("Europe/Oslo"), cfg.Timezone)
	assert.Equal(t, "n-2026-02-28", cfg.Name)
	assert.Contains(t, cfg.Output.Path, "/out/2026-02-27/x.hyper")
	assert.Contains(t, cfg.Tables[0].Source.URI[0], "/lake/dt=2023-02-28/*.parquet")
	assert.Contains(t, cfg.Tables[0].Source.URI[1], "/a${date}")
	assert.Equal(t, "dt == '2026-02-14'", cfg.Tables[0].Source.Where)

	cfg, message = loadText(t, text, config.LoadOptions{
		Vars: map[string]string{"ZONE": "UTC"}, Sets: []string{"timezone=Pacific/Kiritimati", "name=${date}"}, Date: "2026-02-28",
	})
	require.Empty(t, message)
	assert.Equal(t, "${date}", cfg.Name, "what is set is not filled")
	assert.Equal(t, config.Timezone("Pacific/Kiritimati"), cfg.Timezone)

	before := time.Now().UTC()
	cfg, message = loadText(t, good, config.LoadOptions{})
	require.Empty(t, message)
	assert.WithinRange(t, cfg.Date, before.AddDate(0, 0, -1), time.Now())
	ahead, message := loadText(t, good, config.LoadOptions{Sets: []string{"timezone=Pacific/Kiritimati"}})
	require.Empty(t, message)
	behind, message := loadText(t, good, config.LoadOptions{Sets: []string{"timezone=Pacific/Pago_Pago"}})
	require.Empty(t, message)
	assert.GreaterOrEqual(t, ahead.Date.Sub(behind.Date), 24*time.Hour, "they are 25 hours apart")
}

func TestDatesRefuse(t *testing.T) {
	t.Parallel()
	const forms = "; write ${date}, or what is to be taken off it in days or longer: ${date-1d}, ${date-2w}, ${date-36months} or ${date-1year}"
	for name, c := range map[string]struct {
		line, message string
		opts          config.LoadOptions
	}{
		"hours":              {"staging: ${date-36h}", "x.yaml:2:10: ${date-36h} is no date" + forms, config.LoadOptions{}},
		"forward":            {"staging: ${date+1d}", "x.yaml:2:10: ${date+1d} is no date" + forms, config.LoadOptions{}},
		"too far":            {"staging: ${date-9000y}", "x.yaml:2:10: ${date-9000y} is before the year 1", config.LoadOptions{}},
		"var":                {"staging: ${date}", "--var date: ${date} is the date of the run; give it by --date, as in --date 2026-01-31", config.LoadOptions{Vars: map[string]string{"date": "2026-01-01"}}},
		"flag":               {"staging: ${date}", `--date: must be a day such as 2026-11-28, not "28.11.2026"`, config.LoadOptions{Date: "28.11.2026"}},
		"no day":             {"staging: ${date}", `--date: must be a day such as 2026-11-28, not "2026-02-29"`, config.LoadOptions{Date: "2026-02-29"}},
		"zone":               {"timezone: Mars/Crater", `x.yaml:2:11: timezone: there is no time zone "Mars/Crater"; give its IANA name, such as Europe/Berlin or UTC`, config.LoadOptions{}},
		"zone, with a date":  {"timezone: Local", `x.yaml:2:11: timezone: there is no time zone "Local"; give its IANA name, such as Europe/Berlin or UTC`, config.LoadOptions{Date: "2026-01-01"}},
		"zone of the date":   {"timezone: \"${date}\"", "x.yaml:2:11: timezone decides on the date, so it cannot hold ${date}", config.LoadOptions{}},
		"zone that is empty": {"timezone: ''", "x.yaml:2:11: timezone is empty; give it a value, such as Europe/Berlin, or leave the key out for UTC", config.LoadOptions{}},
		"zones":              {"timezone: [UTC]", "x.yaml:2:11: timezone must be text, not a list", config.LoadOptions{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, message := loadText(t, "name: n\n"+c.line+"\n"+goodTables, c.opts)
			assert.Equal(t, c.message, message)
		})
	}
}
