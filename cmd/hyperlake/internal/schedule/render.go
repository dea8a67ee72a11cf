package schedule

import (
	"embed"
	"slices"
	"strings"
	"text/template"
	"time"
)

//go:embed templates
var templateFiles embed.FS

// templates are named PLATFORM.EXTENSION.tmpl. What they print of a [Night] they print through one of these functions.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"cronCommand":      cronCommand,
	"cronWord":         cronWord,
	"systemdCommand":   systemdCommand,
	"systemdText":      systemdText,
	"windowsArguments": windowsArguments,
	"shellCommand":     shellCommand,
	"xml":              xmlText,
	"literal":          literal,
	"kubernetesWord":   kubernetesWord,
	"jinja":            jinja,
	"githubText":       githubText,
	"upper":            strings.ToUpper,
	"seconds":          func(d time.Duration) int64 { return int64(d / time.Second) },
	"minutes":          func(d time.Duration) int64 { return int64(d / time.Minute) },
}).ParseFS(templateFiles, "templates/*.tmpl"))

// view is a night as templates see it.
type view struct {
	Night
	Cron     string // when it begins, spread
	Calendar string // when it begins, as systemd says it
	Start    Clock  // when it begins, spread
}

// Behind is the command without its program.
func (v view) Behind() []string { return v.Command()[1:] }

// Named are the variables besides those of Tableau, for people; empty if there are none.
func (v view) Named() string { return strings.Join(v.Variables, ", ") }

// Kept are the variables that a platform keeps by their names, one by one.
func (v view) Kept() []string {
	if !v.Publishes {
		return v.Variables
	}
	return append([]string{"tab_pat_name", "tab_secret_id"}, v.Variables...)
}

// EveryDay says whether there is no day on which it does not run.
func (v view) EveryDay() bool { return len(v.Days) == 0 }

// IsUTC says whether it is planned in UTC.
func (v view) IsUTC() bool { return slices.Contains([]string{"UTC", "Etc/UTC"}, v.Zone) }

// MostMinutes is the least of the deadline and what a job may take at most on GitHub's own machines.
func (v view) MostMinutes() int64 { return min(int64(v.Deadline/time.Minute), 360) }

// render fills a template.
func render(name string, night Night) (string, error) {
	var b strings.Builder
	seen := view{Night: night, Cron: night.cron(), Calendar: night.calendar(), Start: night.spread()}
	err := templates.ExecuteTemplate(&b, name+".tmpl", seen)
	return b.String(), err
}
