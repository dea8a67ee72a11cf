package hyperd

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hyperlake/internal/failure"
)

// Config is the hyperd section of a configuration. Its zero value is the default. Paths
// are used as they are: whoever reads a configuration makes them absolute.
type Config struct {
	// Path is the binary or its folder. Empty: HYPERD_PATH, else the installed one, see [Find].
	Path string `yaml:"path" json:"path,omitempty"`

	// Staged is the hyperd for workers whose machine has none; nil for no such hyperd.
	Staged *Staged `yaml:"-" json:"staged,omitempty"`

	// MemoryLimit is a size such as 4g, a percentage of the memory that this process may
	// use, or auto (the default): half of that, divided by the workers of the machine.
	MemoryLimit string `yaml:"memory_limit" json:"memory_limit,omitempty"`

	// UseTCPPort is off (the default: a domain socket), auto (a free port), or a port.
	UseTCPPort string `yaml:"use_tcp_port" json:"use_tcp_port,omitempty"`

	// DomainSocketDir is the folder below which the socket gets a private folder. It
	// should be short. Empty: the folder for temporary files.
	DomainSocketDir string `yaml:"domain_socket_dir" json:"domain_socket_dir,omitempty"`

	// LogDir is an existing folder. Empty: hyperd writes no log, unless LogConfig says so.
	LogDir string `yaml:"log_dir" json:"log_dir,omitempty"`

	// LogConfig is in hyperd's own notation. "" turns logs off, nil leaves it to LogDir.
	LogConfig *string `yaml:"log_config" json:"log_config,omitempty"`

	// LogFileMaxCount is how many log files are kept; 0 keeps all.
	LogFileMaxCount int `yaml:"log_file_max_count" json:"log_file_max_count,omitempty"`

	// LogFileSizeLimit is the size, such as 100M, at which a new log file is started.
	// Empty or 0: never.
	LogFileSizeLimit string `yaml:"log_file_size_limit" json:"log_file_size_limit,omitempty"`

	// DefaultDatabaseVersion is the format of files that are created without naming one;
	// nil is 2.
	DefaultDatabaseVersion *int `yaml:"default_database_version" json:"default_database_version,omitempty"`

	// Telemetry sends usage data to Tableau when it is on. The default is off.
	Telemetry string `yaml:"telemetry" json:"telemetry,omitempty"`

	// Settings are any others that `hyperd --settings` lists, by name.
	Settings map[string]string `yaml:"settings" json:"settings,omitempty"`

	// Reading keeps a hyperd to reading. The default is a hyperd that may do anything.
	Reading Reading `yaml:"-" json:"-"`
}

// What tcpPort says when it is no port number.
const (
	portAuto = 0  // any free one
	portOff  = -1 // no TCP
)

const (
	defaultDatabaseVersion = 2 // the oldest format that this project writes by itself
	maxDatabaseVersion     = 4
)

var (
	sizePattern        = regexp.MustCompile(`^[1-9][0-9]*[kmgtKMGT]$`)
	settingNamePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
)

// ownKeys are hyperd's names of what has a key of its own in the configuration.
var ownKeys = map[string]string{
	"path":                     "hyperd.path",
	"memory_limit":             "hyperd.memory_limit",
	"use_tcp_port":             "hyperd.use_tcp_port",
	"log_dir":                  "hyperd.log_dir",
	"log_file_path":            "hyperd.log_dir",
	"log_config":               "hyperd.log_config",
	"log_file_max_count":       "hyperd.log_file_max_count",
	"log_file_size_limit":      "hyperd.log_file_size_limit",
	"domain_socket_dir":        "hyperd.domain_socket_dir",
	"default_database_version": "hyperd.default_database_version",
	"telemetry":                "hyperd.telemetry",
	"telemetry_opt_in":         "hyperd.telemetry",
}

// managedOptions are the options by which a hyperd is started and found again, and the
// formats in which it is spoken to.
var managedOptions = []string{
	"callback_connection", "capabilities", "config", "config_dir", "database", "date_style", "date_style_lenient",
	"encryption_secret", "help", "init_user", "language", "listen_connection", "no_password", "placeholder_values",
	"settings", "skip_license", "strict_settings_mode", "version", "whitelist",
}

// Validate reports the first value that is not accepted, naming its key and what is, as a failure
// of kind Config. The values in Settings are hyperd's to judge, and so is whether it knows
// their names: it does when it starts.
func (c Config) Validate() error {
	if _, ok := parseMemoryLimit(c.MemoryLimit); !ok {
		return refused("memory_limit", c.MemoryLimit, "auto, a size such as 4g (with the unit k, m, g or t), or a percentage such as 60%")
	}
	if _, ok := parsePort(c.UseTCPPort); !ok {
		return refused("use_tcp_port", c.UseTCPPort, "off, auto, or a port number from 1 to 65535")
	}
	if _, ok := parseSwitch(c.Telemetry); !ok {
		return refused("telemetry", c.Telemetry, "off or on")
	}
	if v := c.databaseVersion(); v < 0 || v > maxDatabaseVersion {
		return refused("default_database_version", strconv.Itoa(v), "0, 1, 2, 3 or 4")
	}
	if c.LogFileMaxCount < 0 {
		return refused("log_file_max_count", strconv.Itoa(c.LogFileMaxCount), "0 (no limit) or a number of files")
	}
	if limit := c.LogFileSizeLimit; limit != "" && limit != "0" && !sizePattern.MatchString(limit) {
		return refused("log_file_size_limit", limit, "0 (no limit) or a size such as 100M (with the unit K, M, G or T)")
	}
	if c.LogConfig != nil && c.LogDir == "" && slices.Contains(strings.Split(*c.LogConfig, ","), "file") {
		return refused("log_config", *c.LogConfig,
			"targets other than file as long as hyperd.log_dir is not set, for hyperd would log beside its binary")
	}
	return c.validateSettings()
}

func (c Config) validateSettings() error {
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		option := strings.ReplaceAll(name, "-", "_")
		if key, ok := ownKeys[option]; ok {
			return failure.New(failure.Config, "hyperd.settings.%s: this setting has its own key", name).
				WithHint("set %s instead", key)
		}
		if slices.Contains(managedOptions, option) {
			return failure.New(failure.Config, "hyperd.settings.%s: hyperlake sets this itself", name).
				WithHint("remove it")
		}
		if !settingNamePattern.MatchString(option) {
			return failure.New(failure.Config, "hyperd.settings.%s: this is no name of a setting", name).
				WithHint("`hyperd --settings` lists the names")
		}
	}
	return nil
}

func refused(key, value, accepted string) error {
	return failure.New(failure.Config, "hyperd.%s: %q is not accepted", key, value).
		WithHint("accepted: %s", accepted)
}

// args is the command line, after the program's name, of a hyperd that listens at the
// first address and reports to the second, both in hyperd's notation, and has so many
// sharers. It fails as Validate does.
func (c Config) args(listen, callback string, sharers int) ([]string, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c.commandLine(listen, callback, usableMemory(), sharers), nil
}

// commandLine is args of a valid Config where this process may use so many bytes of
// memory; 0 when that is not known.
func (c Config) commandLine(listen, callback string, usable uint64, sharers int) []string {
	args := []string{
		"run",
		"--strict-settings-mode", // a misspelt setting is an error, not a warning in a log that nobody keeps
		"--listen-connection", listen,
		"--callback-connection", callback,
		"--init-user=" + userName, // whose password it asks for
		"--skip-license",
		"--language=en_US",
		"--date-style=MDY",
		"--date-style-lenient=false",
		"--default-database-version=" + strconv.Itoa(c.databaseVersion()),
		"--memory-limit=" + memoryLimitFlag(c.MemoryLimit, usable, sharers),
	}
	args = append(args, c.logArgs()...)
	if on, _ := parseSwitch(c.Telemetry); on {
		args = append(args, "--telemetry-opt-in=")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		args = append(args, "--"+strings.ReplaceAll(name, "_", "-")+"="+c.Settings[name])
	}
	return args
}

// logArgs keeps hyperd from logging, which it does by default, beside its binary.
func (c Config) logArgs() []string {
	var args []string
	switch {
	case c.LogConfig != nil:
		args = append(args, "--log-config="+*c.LogConfig)
	case c.LogDir == "":
		args = append(args, "--log-config=")
	}
	if c.LogDir != "" {
		args = append(args, "--log-dir="+c.LogDir)
	}
	if c.LogFileMaxCount > 0 {
		args = append(args, "--log-file-max-count="+strconv.Itoa(c.LogFileMaxCount))
	}
	if c.LogFileSizeLimit != "" {
		args = append(args, "--log-file-size-limit="+c.LogFileSizeLimit)
	}
	return args
}

func (c Config) databaseVersion() int {
	if c.DefaultDatabaseVersion == nil {
		return defaultDatabaseVersion
	}
	return *c.DefaultDatabaseVersion
}

// tcpPort is the TCP port to listen on: a number, portAuto or portOff. A value that
// Validate refuses is portOff.
func (c Config) tcpPort() int {
	port, _ := parsePort(c.UseTCPPort)
	return port
}

func parsePort(value string) (port int, ok bool) {
	if value == "auto" {
		return portAuto, true
	}
	if on, isSwitch := parseSwitch(value); isSwitch {
		return portOff, !on
	}
	port, err := strconv.Atoi(value)
	if err != nil || port < 1 || port > 65535 {
		return portOff, false
	}
	return port, true
}

// parseSwitch reads on and off, which some YAML readers and tools turn into booleans.
func parseSwitch(value string) (on, ok bool) {
	switch value {
	case "", "off", "false":
		return false, true
	case "on", "true":
		return true, true
	default:
		return false, false
	}
}
