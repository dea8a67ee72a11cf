package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hyperlake/pipelines/report"
)

// runs are what a configuration remembers.
func runs() []report.Report {
	began := time.Date(2026, 11, 20, 2, 15, 0, 0, time.UTC)
	first := report.Report{
		RunID: "20261120T021500Z-0cb56a09", Status: report.Succeeded, Started: began, Finished: began.Add(1500 * time.Millisecond), Complete: true,
		Output: report.Output{Bytes: 4_700_000}, Refresh: &report.RefreshAccount{UnitsChanged: 4, Units: 4},
		Tables: []report.TableAccount{{RowsLoaded: 75_072, RowsRejected: 103}},
	}
	second := first
	second.RunID, second.Status, second.Started, second.Finished = "20261121T021500Z-5d0e77a1", report.Unpublished, began.AddDate(0, 0, 1), time.Time{}
	second.Tables = []report.TableAccount{{RowsLoaded: 60_099}}
	return []report.Report{first, second}
}

// What is read from a pipe is whole; on a terminal it is what there is room for.
func TestHistoryIsAsWideAsTheTerminal(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		0: ` began (UTC)         │ ended as    │  took │   rows │  change │ rejects │ units  │   size │ run
─────────────────────┼─────────────┼───────┼────────┼─────────┼─────────┼────────┼────────┼───────────────────────────
 2026-11-20 02:15:00 │ succeeded   │ 1.5 s │ 75,072 │         │     103 │ 4 of 4 │ 4.7 MB │ 20261120T021500Z-0cb56a09
 2026-11-21 02:15:00 │ unpublished │       │ 60,099 │ -14,973 │         │ 4 of 4 │ 4.7 MB │ 20261121T021500Z-5d0e77a1
`,
		80: ` ended as    │  took │   rows │  change │ rejects │ run
─────────────┼───────┼────────┼─────────┼─────────┼───────────────────────────
 succeeded   │ 1.5 s │ 75,072 │         │     103 │ 20261120T021500Z-0cb56a09
 unpublished │       │ 60,099 │ -14,973 │         │ 20261121T021500Z-5d0e77a1
left out for want of room: size, units, began (UTC); a wider terminal, a pipe
  and --json show all
`,
		40: `── 1 of 2 ──────────────────────────────
 began (UTC) │ 2026-11-20 02:15:00
 ended as    │ succeeded
 took        │ 1.5 s
 rows        │ 75,072
 rejects     │ 103
 units       │ 4 of 4
 size        │ 4.7 MB
 run         │ 20261120T021500Z-
             │ 0cb56a09
── 2 of 2 ──────────────────────────────
 began (UTC) │ 2026-11-21 02:15:00
 ended as    │ unpublished
 rows        │ 60,099
 change      │ -14,973
 units       │ 4 of 4
 size        │ 4.7 MB
 run         │ 20261121T021500Z-
             │ 5d0e77a1
`,
	} {
		assert.Equal(t, want, historyPage(&page{width: width}, runs()).String(), width)
	}
}

func TestPagesColourWhatIsGoodOrBad(t *testing.T) {
	t.Parallel()
	printed := historyPage(&page{paint: painter{on: true}}, runs()).String()
	assert.Contains(t, printed, " │ \x1b[32msucceeded\x1b[0m   │ ")
	assert.Contains(t, printed, " │ \x1b[31munpublished\x1b[0m │ ")

	var p page
	p.paint.on = true
	p.marked(failedColours, "failed", ": %s", "\x1b[2J")
	p.warnings([]string{"\x1b]0;evil\x07"})
	p.table([]column{{name: "\x1b[1m"}}, [][]string{{"\x1b[31mred"}})
	assert.Equal(t, "\x1b[31mfailed\x1b[0m: \\x1b[2J\n\x1b[33mwarning: \x1b[0m\\x1b]0;evil\\a\n \\x1b[1m\n─────────────\n \\x1b[31mred\n", p.String())
}

// A table is narrowed between words, then loses what matters least, then breaks words; a path loses its middle.
func TestTablesOfLittleRoom(t *testing.T) {
	t.Parallel()
	columns := []column{{name: "column"}, {name: "folder", fit: inTheMiddle}, {name: "size", number: true, minor: 1}}
	rows := [][]string{{"received_after_shipped", "stage/20261120T021500Z-0cb56a09/partials", "4.7 MB"}}
	for width, want := range map[int]string{
		70: ` column                 │ folder                             │   size
────────────────────────┼────────────────────────────────────┼────────
 received_after_shipped │ stage/20261120T02…cb56a09/partials │ 4.7 MB
left out for want of room: the middle of long texts; a wider terminal,
  a pipe and --json show all
`,
		36: ` column      │ folder
─────────────┼──────────────────────
 received_   │ stage/2026…/partials
 after_      │
 shipped     │
left out for want of room: size, the
  middle of long texts; a wider
  terminal, a pipe and --json show
  all
`,
		30: `── 1 of 1 ────────────────────
 column │ received_after_
        │ shipped
 folder │ stage/
        │ 20261120T021500Z-
        │ 0cb56a09/partials
 size   │ 4.7 MB
`,
	} {
		p := page{width: width}
		p.table(columns, rows)
		assert.Equal(t, want, p.String(), width)
	}
}

func TestCharactersAreAsWideAsTerminalsShowThem(t *testing.T) {
	t.Parallel()
	var p page
	p.table([]column{{name: "text"}, {name: "n", number: true}}, [][]string{{"日本", "1"}, {"👩‍👧", "2"}, {"e\u0301", "3"}, {"🇩🇪", "4"}})
	assert.Equal(t, " text │ n\n──────┼───\n 日本 │ 1\n 👩‍👧   │ 2\n e\u0301    │ 3\n 🇩🇪   │ 4\n", p.String())
}
