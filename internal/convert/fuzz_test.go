package convert_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/convert"
)

// FuzzText converts any text to every type. What converts, converts to text and back to the
// same value.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "true", "-12.50e-1", "1e38", "NaN", "2026-01-31T12:30:00.5+01:00", "12:30", "00ff", "POINT(1 2)",
		"GEOMETRYCOLLECTION(POLYGON((0 0,1 0,1 1,0 0)),MULTIPOINT(1 2,(3 4)))", "Sat Jan 31 2026", "\xff", "99999999999999999999"} {
		f.Add(seed)
	}
	asks := []convert.Column{ask("boolean"), ask("bigint"), ask("smallint"), ask("numeric(20,4)"), ask("float8"), ask("float4"), ask("bytes"),
		ask("date"), ask("time"), ask("timestamp"), ask("timestamptz"), ask("geography"),
		{Type: "timestamptz", Timezone: "America/New_York"}, {Type: "date", Format: "%a %b %d %Y"}}
	f.Fuzz(func(t *testing.T, text string) {
		for _, ask := range asks {
			mapped, out, failed := column(t, nullable("c", b.String), textValues(text), ask)
			if len(failed) > 0 {
				continue
			}
			back := convert.Column{Type: "text"}
			_, again, failed := column(t, mapped, out, back)
			require.Empty(t, failed)
			ask.Timezone, ask.Format = "", ""
			_, same, failed := column(t, nullable("c", b.String), again, ask)
			require.Empty(t, failed, "%s", again)
			require.True(t, array.ApproxEqual(out, same, array.WithNaNsEqual(true), array.WithAbsTolerance(0)), "%s to %s is %s", text, ask.Type, out)
		}
	})
}
