package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
)

// TestSpans reads spans in all their forms, and writes them so that they are read again as the same.
func TestSpans(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]struct{ said, before string }{
		"36h":        {"36h", "2026-03-30T00:00:00Z"},
		"36 hours":   {"36h", "2026-03-30T00:00:00Z"},
		"1hour":      {"1h", "2026-03-31T11:00:00Z"},
		"90m":        {"1h30m", "2026-03-31T10:30:00Z"},
		"90s":        {"1m30s", "2026-03-31T11:58:30Z"},
		"1.5h":       {"1h30m", "2026-03-31T10:30:00Z"},
		"500ms":      {"500ms", "2026-03-31T11:59:59.5Z"},
		"30d":        {"30d", "2026-03-01T12:00:00Z"},
		"30 days":    {"30d", "2026-03-01T12:00:00Z"},
		"7d12h":      {"7d12h", "2026-03-24T00:00:00Z"},
		"1d0h5m":     {"1d5m", "2026-03-30T11:55:00Z"},
		"0d5h":       {"5h", "2026-03-31T07:00:00Z"},
		"8 weeks":    {"56d", "2026-02-03T12:00:00Z"},
		"1w":         {"7d", "2026-03-24T12:00:00Z"},
		"1 month":    {"1 month", "2026-02-28T12:00:00Z"},
		"36months":   {"36 months", "2023-03-31T12:00:00Z"},
		"25 months":  {"25 months", "2024-02-29T12:00:00Z"},
		"2 years":    {"24 months", "2024-03-31T12:00:00Z"},
		"1y":         {"12 months", "2025-03-31T12:00:00Z"},
		"1 month 6h": {"1 month 6h", "2026-02-28T06:00:00Z"},
		"99999y":     {"1199988 months", "-97973-03-31T12:00:00Z"},
	} {
		var span, again config.Span
		require.NoError(t, span.UnmarshalText([]byte(text)), text)
		assert.Equal(t, want.said, span.String(), text)
		assert.Equal(t, want.before, span.Before(from).Format("2006-01-02T15:04:05.999Z07:00"), text)
		require.NoError(t, again.UnmarshalText([]byte(span.String())), text)
		assert.Equal(t, span, again, text)
	}
	for _, text := range []string{"", "0h", "0d", "0 months", "5", "d", "-5h", "-1d", "1x", "36 m onths", "1d-2h", "5h1d", "10000000d", "1d 2d", " 1d", "1e9h"} {
		var span config.Span
		assert.Error(t, span.UnmarshalText([]byte(text)), text)
	}
	assert.Equal(t, 36*time.Hour, config.Span{Time: 36 * time.Hour}.Until(from))
	assert.Equal(t, 30*24*time.Hour, config.Span{Months: 1}.Until(from.AddDate(0, 0, -1).AddDate(0, 2, 0)))
	assert.Positive(t, config.Span{Months: 1199988}.Until(from), "as long as can be")
}

// TestDaysOfChangedClocks takes days off in a zone whose clocks change between.
func TestDaysOfChangedClocks(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	noon := time.Date(2026, 3, 29, 12, 0, 0, 0, berlin)
	assert.Equal(t, time.Date(2026, 3, 28, 12, 0, 0, 0, berlin), config.Span{Days: 1}.Before(noon), "a day of 23 hours")
	assert.Equal(t, time.Date(2026, 3, 28, 11, 0, 0, 0, berlin), config.Span{Time: 24 * time.Hour}.Before(noon))
}
