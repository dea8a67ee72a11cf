package hyperd

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

func TestCommandLine(t *testing.T) {
	const fourGiB = 4 << 30
	fixed := []string{
		"run", "--strict-settings-mode",
		"--listen-connection", "tab.domain:///s/domain/h", "--callback-connection", "tab.tcp://127.0.0.1:99",
		"--init-user=tableau_internal_user", "--skip-license",
		"--language=en_US", "--date-style=MDY", "--date-style-lenient=false",
	}
	tests := map[string]struct {
		config Config
		want   []string // after the fixed part
	}{
		"defaults": {Config{}, []string{"--default-database-version=2", "--memory-limit=2048m", "--log-config="}},
		"log folder": {
			Config{LogDir: "/log", LogFileMaxCount: 3, LogFileSizeLimit: "100M"},
			[]string{"--default-database-version=2", "--memory-limit=2048m", "--log-dir=/log", "--log-file-max-count=3", "--log-file-size-limit=100M"},
		},
		"log folder, logs turned off": {
			Config{LogDir: "/log", LogConfig: new("")},
			[]string{"--default-database-version=2", "--memory-limit=2048m", "--log-config=", "--log-dir=/log"},
		},
		"log to stderr": {
			Config{LogConfig: new("cerr,string,fatal")},
			[]string{"--default-database-version=2", "--memory-limit=2048m", "--log-config=cerr,string,fatal"},
		},
		"everything else": {
			Config{
				MemoryLimit: "8G", DefaultDatabaseVersion: new(0), Telemetry: "on",
				Settings: map[string]string{"log_queries": "1", "hard_concurrent_query_thread_limit": "2", "dashed-name": "a b=c"},
			},
			[]string{
				"--default-database-version=0", "--memory-limit=8g", "--log-config=", "--telemetry-opt-in=",
				"--dashed-name=a b=c", "--hard-concurrent-query-thread-limit=2", "--log-queries=1",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, test.config.Validate())
			got := test.config.commandLine("tab.domain:///s/domain/h", "tab.tcp://127.0.0.1:99", fourGiB, 1)
			assert.Equal(t, slices.Concat(fixed, test.want), got)
		})
	}
}

func TestValidateNamesKeyValueAndWhatIsAccepted(t *testing.T) {
	tests := map[string]struct {
		config  Config
		message string
		hint    string
	}{
		"memory without unit":      {Config{MemoryLimit: "4"}, `hyperd.memory_limit: "4" is not accepted`, "4g"},
		"memory of zero":           {Config{MemoryLimit: "0g"}, `hyperd.memory_limit: "0g" is not accepted`, "60%"},
		"memory in GB":             {Config{MemoryLimit: "4GB"}, `hyperd.memory_limit: "4GB" is not accepted`, "auto"},
		"memory over all":          {Config{MemoryLimit: "101%"}, `hyperd.memory_limit: "101%" is not accepted`, "auto"},
		"no memory":                {Config{MemoryLimit: "0%"}, `hyperd.memory_limit: "0%" is not accepted`, "auto"},
		"port zero":                {Config{UseTCPPort: "0"}, `hyperd.use_tcp_port: "0" is not accepted`, "1 to 65535"},
		"port too high":            {Config{UseTCPPort: "65536"}, `hyperd.use_tcp_port: "65536" is not accepted`, "off, auto"},
		"port on":                  {Config{UseTCPPort: "on"}, `hyperd.use_tcp_port: "on" is not accepted`, "auto"},
		"port in capitals":         {Config{UseTCPPort: "Off"}, `hyperd.use_tcp_port: "Off" is not accepted`, "off"},
		"telemetry":                {Config{Telemetry: "yes"}, `hyperd.telemetry: "yes" is not accepted`, "off or on"},
		"version too high":         {Config{DefaultDatabaseVersion: new(5)}, `hyperd.default_database_version: "5" is not accepted`, "0, 1, 2, 3 or 4"},
		"negative version":         {Config{DefaultDatabaseVersion: new(-1)}, `hyperd.default_database_version: "-1" is not accepted`, "0, 1, 2, 3 or 4"},
		"negative count":           {Config{LogFileMaxCount: -1}, `hyperd.log_file_max_count: "-1" is not accepted`, "0 (no limit)"},
		"size without unit":        {Config{LogFileSizeLimit: "100"}, `hyperd.log_file_size_limit: "100" is not accepted`, "100M"},
		"log file without folder":  {Config{LogConfig: new("file,json,all,hyperd,0")}, `hyperd.log_config: "file,json,all,hyperd,0" is not accepted`, "hyperd.log_dir"},
		"setting with its own key": {Config{Settings: map[string]string{"log-dir": "x"}}, "hyperd.settings.log-dir: this setting has its own key", "hyperd.log_dir"},
		"setting that we make":     {Config{Settings: map[string]string{"listen_connection": "x"}}, "hyperd.settings.listen_connection: hyperlake sets this itself", "remove it"},
		"no name of a setting":     {Config{Settings: map[string]string{"a=b": "x"}}, "hyperd.settings.a=b: this is no name of a setting", "hyperd --settings"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := failure.Of(test.config.Validate(), failure.Engine)
			require.NotNil(t, err)
			assert.Equal(t, failure.Config, err.Kind)
			assert.True(t, err.Early, "nothing was started")
			assert.Equal(t, test.message, err.Message)
			assert.Contains(t, err.Hint, test.hint)

			_, argsErr := test.config.args("", "", 1)
			assert.EqualError(t, argsErr, test.message)
		})
	}
}

func TestSettingsCannotReplaceWhatIsManaged(t *testing.T) {
	for _, name := range slices.Concat(managedOptions, slices.Collect(maps.Keys(ownKeys))) {
		for _, spelling := range []string{name, strings.ReplaceAll(name, "_", "-")} {
			assert.Error(t, Config{Settings: map[string]string{spelling: "x"}}.Validate(), spelling)
		}
	}
}

func TestConfigFromYAML(t *testing.T) {
	tests := map[string]struct {
		text string
		port int
		on   bool // telemetry
	}{
		"empty":    {"{}", portOff, false},
		"words":    {"{use_tcp_port: off, telemetry: on}", portOff, true},
		"booleans": {"{use_tcp_port: false, telemetry: true}", portOff, true},
		"quoted":   {"{use_tcp_port: 'auto', telemetry: 'off'}", portAuto, false},
		"number":   {"{use_tcp_port: 7483, telemetry: false}", 7483, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var c Config
			require.NoError(t, yaml.UnmarshalWithOptions([]byte(test.text), &c, yaml.Strict()))
			require.NoError(t, c.Validate())
			assert.Equal(t, test.port, c.tcpPort())
			assert.Equal(t, test.on, slices.Contains(c.commandLine("", "", 0, 1), "--telemetry-opt-in="))
		})
	}
}

func TestConfigSurvivesJSON(t *testing.T) {
	sent := Config{
		Path: "/h", MemoryLimit: "60%", UseTCPPort: "auto", DomainSocketDir: "/s", LogDir: "/l", LogConfig: new(""), LogFileMaxCount: 2,
		LogFileSizeLimit: "1M", DefaultDatabaseVersion: new(0), Telemetry: "on", Settings: map[string]string{"log_queries": "1"},
	}
	raw, err := json.Marshal(sent)
	require.NoError(t, err)
	var got Config
	require.NoError(t, json.Unmarshal(raw, &got))
	assert.Equal(t, sent, got)
}

// launch starts the real hyperd with the command line of a Config and returns how it
// ended after it was told to stop, or before it called back.
func launch(t *testing.T, c Config) (calledBack bool, output string, err error) {
	t.Helper()
	path, err := Find("")
	require.NoError(t, err, "the tests need hyperd: run `hyperlake hyperd install`")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	args, err := c.args("tab.tcp://localhost:0", "tab.tcp://"+listener.Addr().String(), 1)
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = t.TempDir()
	called := make(chan bool, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = conn.Read(make([]byte, 256))
			_ = conn.Close() // hyperd stops
		}
		called <- err == nil
	}()
	cmd.Stdin = strings.NewReader("secret\nsecret\n")
	text, err := cmd.CombinedOutput()
	_ = listener.Close()

	left, readErr := os.ReadDir(cmd.Dir)
	require.NoError(t, readErr)
	assert.Empty(t, left, "hyperd leaves nothing in its working folder")
	assert.Equal(t, c.LogDir != "", strings.Contains(string(text), "LogFile: "), "hyperd says where it logs")
	return <-called, string(text), err
}

func TestHyperdTakesTheCommandLine(t *testing.T) {
	t.Parallel()
	logs := t.TempDir()
	configs := map[string]Config{
		"defaults": {},
		"logs": {
			LogDir: logs, LogFileMaxCount: 2, LogFileSizeLimit: "1M", MemoryLimit: "60%", DefaultDatabaseVersion: new(4),
			Settings: map[string]string{"log_queries": "0", "hard_concurrent_query_thread_limit": "2"},
		},
		"logs to stderr": {LogConfig: new("cerr,string,fatal"), MemoryLimit: "1g", DefaultDatabaseVersion: new(0)},
	}
	for name, c := range configs {
		t.Run(name, func(t *testing.T) {
			calledBack, output, err := launch(t, c)
			require.NoError(t, err, output)
			assert.True(t, calledBack)
		})
	}
	written, err := filepath.Glob(filepath.Join(logs, "hyperd*.log"))
	require.NoError(t, err)
	assert.NotEmpty(t, written)
}

func TestHyperdRefusesAMisspeltSetting(t *testing.T) {
	t.Parallel()
	calledBack, output, err := launch(t, Config{Settings: map[string]string{"log_querys": "1"}})
	assert.Error(t, err)
	assert.False(t, calledBack)
	assert.Contains(t, output, "No internal setting named 'log_querys' exists")
}
