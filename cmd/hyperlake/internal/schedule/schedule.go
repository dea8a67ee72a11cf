package schedule

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hyperlake/internal/failure"
)

// Night is a command and when it runs. Its texts may come from anywhere: [Write] refuses what cannot be written.
type Night struct {
	// Name is that of the configuration; files and objects are named after it, see [Night.ID].
	Name string

	// Program and Config are absolute paths where the command runs; for GitHub, Config is relative to the repository.
	// In a container, Program is [ProgramInImage], and Config [ConfigInPod] or that in the repository.
	Program string
	Config  string

	// Flags are what stands behind the configuration on the command line.
	Flags []string

	// Folder is the absolute path of the working folder, where there is no container.
	Folder string

	// At, Days and Zone are when it runs: a time of the day in a zone by its IANA name.
	At   Clock
	Days Days
	Zone string

	// Spread is how much later than At the command may begin, so that nights do not all begin at once.
	Spread time.Duration

	// Deadline is after which time the platform ends a command that hangs.
	Deadline time.Duration

	// Publishes says that the command needs the credentials of a Tableau Server.
	Publishes bool

	// Variables are the names of other variables of the environment that the command reads, which may hold secrets.
	Variables []string

	// Image is that of containers, for Kubernetes and GitHub.
	Image string

	// User is the account that systemd runs the command as.
	User string
}

// Where things are in containers.
const (
	ProgramInImage = "/usr/local/bin/hyperlake"   // as the Dockerfile has it
	ConfigInPod    = "/etc/hyperlake/config.yaml" // where the manifest puts it
)

// File is one file that a platform reads.
type File struct {
	Name string `json:"name"` // without a folder
	Text string `json:"text"`
}

// Platforms are what [Write] writes for, in the order in which they are told.
func Platforms() []string {
	var names []string
	for _, p := range platforms {
		names = append(names, p.name)
	}
	return names
}

// InContainer says whether the command runs in a container of an image, and not on a machine that is there.
func InContainer(platform string) bool { return platform == Kubernetes || platform == GitHub }

// The platforms that callers tell apart.
const (
	Cron       = "cron"
	Launchd    = "launchd"
	Windows    = "windows"
	Kubernetes = "k8s"
	GitHub     = "github"
)

// platform is what is particular to one of them.
type platform struct {
	name  string
	files []string          // of what is written, %s being the id; the templates are named after their ends
	check func(Night) error // whether this platform can run the night; nil: it can
}

var platforms = []platform{
	{"systemd", []string{"%s.service", "%s.timer"}, checkSystemd},
	{Cron, []string{"%s.crontab"}, checkCron},
	{Launchd, []string{"%s.plist"}, nil},
	{Windows, []string{"%s.xml"}, checkWindows},
	{Kubernetes, []string{"%s.yaml"}, nil},
	{"airflow", []string{"%s.py"}, nil},
	{GitHub, []string{"%s.yml"}, nil},
}

// Write writes the files with which a platform runs the night. It fails with one of kind Usage where the platform is none of
// [Platforms], or where something of the night cannot be written for it.
func Write(name string, night Night) ([]File, error) {
	at := slices.IndexFunc(platforms, func(p platform) bool { return p.name == name })
	if at < 0 {
		return nil, failure.New(failure.Usage, "%q is no platform that is known", name).
			WithHint("use one of %s", strings.Join(Platforms(), ", "))
	}
	chosen := platforms[at]
	if err := night.check(); err != nil {
		return nil, err
	}
	if chosen.check != nil {
		if err := chosen.check(night); err != nil {
			return nil, err
		}
	}
	var files []File
	for _, pattern := range chosen.files {
		text, err := render(chosen.name+path.Ext(pattern), night)
		if err != nil {
			return nil, failure.New(failure.Usage, "write what %s runs: %w", name, err)
		}
		files = append(files, File{Name: fmt.Sprintf(pattern, night.ID()), Text: text})
	}
	return files, nil
}

// variableName matches names of variables that every platform takes as they are.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// check refuses texts with characters that nobody sees: some of them end a line, and no platform can be told them all.
func (n Night) check() error {
	for _, name := range n.Variables {
		if !variableName.MatchString(name) {
			return failure.New(failure.Usage, "%q is no name of a variable of the environment", name).
				WithHint("give it a name of letters, digits and _")
		}
	}
	texts := append([]string{n.Name, n.Program, n.Config, n.Folder, n.Image, n.User, n.Zone}, n.Flags...)
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			return failure.New(failure.Usage, "%q holds characters that cannot be seen, which are not written for others to run", text).
				WithHint("give it another name, or write the value into the configuration")
		}
	}
	return nil
}

// Command is the whole command line: the program, run, the configuration, and what stands behind it.
func (n Night) Command() []string { return append([]string{n.Program, "run", n.Config}, n.Flags...) }
