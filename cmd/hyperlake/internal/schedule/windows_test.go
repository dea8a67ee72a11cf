package schedule_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/cmd/hyperlake/internal/schedule"
)

// task is what is looked at of a task of Windows.
type task struct {
	Start     string `xml:"Triggers>CalendarTrigger>StartBoundary"`
	Command   string `xml:"Actions>Exec>Command"`
	Arguments string `xml:"Actions>Exec>Arguments"`
	Folder    string `xml:"Actions>Exec>WorkingDirectory"`
}

func windowsTask(t *testing.T, text string) (found task) {
	t.Helper()
	require.NoError(t, xml.Unmarshal([]byte(text), &found))
	return found
}

// commandLineToArgv takes arguments apart as the runtime of C does on Windows ("Parsing C command-line arguments").
func commandLineToArgv(line string) []string {
	var words []string
	for line != "" {
		var word strings.Builder
		isQuoted := false
		for line != "" && (isQuoted || line[0] != ' ') {
			backslashes := len(line) - len(strings.TrimLeft(line, `\`))
			line = line[backslashes:]
			isQuote := strings.HasPrefix(line, `"`)
			switch {
			case !isQuote:
				word.WriteString(strings.Repeat(`\`, backslashes))
				if backslashes == 0 {
					word.WriteByte(line[0])
					line = line[1:]
				}
			default:
				word.WriteString(strings.Repeat(`\`, backslashes/2))
				if backslashes%2 == 1 {
					word.WriteByte('"')
				} else {
					isQuoted = !isQuoted
				}
				line = line[1:]
			}
		}
		words = append(words, word.String())
		line = strings.TrimLeft(line, " ")
	}
	return words
}

// sequences are the elements of the schema of tasks ([MS-TSCH] 2.5) that we write, each with those that it may hold. What is in order, is
// a sequence there; others are in any order.
var sequences = map[string]struct {
	children []string
	inOrder  bool
}{
	"Task": {children: []string{"RegistrationInfo", "Triggers", "Settings", "Principals", "Actions"}},
	"RegistrationInfo": {children: []string{
		"URI", "SecurityDescriptor", "Source", "Date", "Author", "Version", "Description", "Documentation",
	}},
	"Triggers": {children: []string{"CalendarTrigger"}},
	"CalendarTrigger": {inOrder: true, children: []string{
		"Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit",
		"RandomDelay", "ScheduleByDay", "ScheduleByWeek",
	}},
	"ScheduleByDay":  {children: []string{"DaysInterval"}},
	"ScheduleByWeek": {children: []string{"WeeksInterval", "DaysOfWeek"}},
	"DaysOfWeek":     {children: []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}},
	"Principals":     {children: []string{"Principal"}},
	"Principal":      {children: []string{"UserId", "LogonType", "GroupId", "DisplayName", "RunLevel"}},
	"Settings": {children: []string{
		"AllowStartOnDemand", "RestartOnFailure", "MultipleInstancesPolicy", "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries",
		"AllowHardTerminate", "StartWhenAvailable", "NetworkProfileName", "RunOnlyIfNetworkAvailable", "WakeToRun", "Enabled", "Hidden",
		"DeleteExpiredTaskAfter", "IdleSettings", "NetworkSettings", "ExecutionTimeLimit", "Priority", "RunOnlyIfIdle",
	}},
	"Actions": {children: []string{"Exec"}},
	"Exec":    {children: []string{"Command", "Arguments", "WorkingDirectory"}},
}

// TestTaskOfWindows holds the task against its schema: known elements, each once, in their order where there is one.
func TestTaskOfWindows(t *testing.T) {
	t.Parallel()
	for _, night := range []schedule.Night{usual(), hostile("windows")} {
		files, err := schedule.Write("windows", night)
		require.NoError(t, err)
		for _, r := range files[0].Text {
			require.Less(t, r, rune(0x80), "in any encoding")
		}
		type level struct {
			name string
			seen []string
		}
		levels := []level{{name: ""}}
		decoder := xml.NewDecoder(strings.NewReader(files[0].Text))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			switch token := token.(type) {
			case xml.StartElement:
				parent := &levels[len(levels)-1]
				assert.Equal(t, "http://schemas.microsoft.com/windows/2004/02/mit/task", token.Name.Space)
				if known, ok := sequences[parent.name]; ok {
					at := slices.Index(known.children, token.Name.Local)
					assert.GreaterOrEqual(t, at, 0, "%s in %s", token.Name.Local, parent.name)
					assert.NotContains(t, parent.seen, token.Name.Local)
					if known.inOrder && len(parent.seen) > 0 {
						assert.Greater(t, at, slices.Index(known.children, parent.seen[len(parent.seen)-1]), "%s in %s", token.Name.Local, parent.name)
					}
				} else {
					assert.Empty(t, parent.name, "%s holds no elements", parent.name)
				}
				parent.seen = append(parent.seen, token.Name.Local)
				levels = append(levels, level{name: token.Name.Local})
			case xml.EndElement:
				levels = levels[:len(levels)-1]
			}
		}
		assert.Equal(t, night.Folder, windowsTask(t, files[0].Text).Folder)
	}
}

// TestTimesOfWindows are local, unless they are in UTC.
func TestTimesOfWindows(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]string{"UTC": "2026-01-01T02:30:00Z", "Europe/Berlin": "2026-01-01T02:30:00"} {
		night := usual()
		night.Zone = zone
		files, err := schedule.Write("windows", night)
		require.NoError(t, err)
		assert.Equal(t, want, windowsTask(t, files[0].Text).Start)
	}
}
