package schedule

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// shellCommand is a command for a POSIX shell.
func shellCommand(command []string) string {
	var quoted []string
	for _, word := range command {
		quoted = append(quoted, words.ShellWord(word))
	}
	return strings.Join(quoted, " ")
}

// cronWord is a word for the shell of a cron. Some end the command at %, unless a backslash stands before it, and others
// keep the backslash: so there is no % in it, and printf makes one.
func cronWord(word string) string {
	if !strings.Contains(word, "%") {
		return words.ShellWord(word)
	}
	return strings.ReplaceAll("'"+strings.ReplaceAll(word, "'", `'\''`)+"'", "%", `'"$(printf '\045')"'`)
}

// cronCommand is a command for a line of a crontab.
func cronCommand(command []string) string {
	var quoted []string
	for _, word := range command {
		quoted = append(quoted, cronWord(word))
	}
	return strings.Join(quoted, " ")
}

// systemdCommand is a command for ExecStart=, see systemd.service(5) and systemd.syntax(7): words in quotes, in which
// backslashes, specifiers (%) and variables ($) are escaped.
func systemdCommand(command []string) string {
	var quoted []string
	for _, word := range command {
		quoted = append(quoted, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$").Replace(word)+`"`)
	}
	return strings.Join(quoted, " ")
}

// systemdText is a value that systemd takes whole, but for its specifiers.
func systemdText(text string) string { return strings.ReplaceAll(text, "%", "%%") }

// checkSystemd refuses what systemd has no words for: it does not look for variables, or quotes, in every place.
func checkSystemd(n Night) error {
	switch {
	case strings.ContainsAny(n.Program, "$\"'\\"):
		return failure.New(failure.Usage, "systemd cannot start %s: it takes no $, quotes or backslashes in the path of a program", n.Program).
			WithHint("name another path of the program, such as that of a link to it, with --program")
	case strings.HasSuffix(n.Folder, `\`), strings.HasSuffix(n.Folder, " "):
		return failure.New(failure.Usage, "systemd cannot be told of a working folder whose name ends in a backslash or a blank: %q", n.Folder).
			WithHint("call this in another folder")
	}
	return nil
}

// maxCronLine is how long a line may be that every cron takes: that of Debian ends a command after 1000 bytes.
const maxCronLine = 900

// checkCron refuses a line that a cron would cut.
func checkCron(n Night) error {
	if length := len(cronCommand(n.Command())) + len(cronWord(n.Folder)); length > maxCronLine {
		return failure.New(failure.Usage, "the command is %d bytes long, and cron takes no line of more than about %d", length, maxCronLine).
			WithHint("write what --set and --var say into the configuration")
	}
	return nil
}

// expanded matches what the Task Scheduler may replace in arguments, and has no escape for: variables of the environment, and
// $(Arg0) to $(Arg32).
var expanded = regexp.MustCompile(`%[^%]+%|\$\(Arg\d+\)`)

// checkWindows refuses what the Task Scheduler would change.
func checkWindows(n Night) error {
	for _, word := range append(n.Command(), n.Folder) {
		if found := expanded.FindString(word); found != "" {
			return failure.New(failure.Usage, "the Task Scheduler may replace %s in %q, and has no way to write it otherwise", found, word).
				WithHint("write the value into the configuration, or choose another path")
		}
	}
	return nil
}

// windowsArguments are arguments as programs on Windows take them apart (CommandLineToArgvW): quotes around words, backslashes doubled
// before quotes.
func windowsArguments(arguments []string) string {
	var quoted []string
	for _, word := range arguments {
		quoted = append(quoted, windowsWord(word))
	}
	return strings.Join(quoted, " ")
}

func windowsWord(word string) string {
	if word != "" && !strings.ContainsAny(word, " \"") {
		return word
	}
	var b strings.Builder
	b.WriteByte('"')
	backslashes := 0
	for _, c := range []byte(word) {
		switch c {
		case '\\':
			backslashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, backslashes+1))
			backslashes = 0
		default:
			backslashes = 0
		}
		b.WriteByte(c)
	}
	return b.String() + strings.Repeat(`\`, backslashes) + `"`
}

// xmlText is a text in an element of XML, in ASCII: readers of the Task Scheduler differ in the encoding that they expect.
func xmlText(text string) (string, error) {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return "", err
	}
	var ascii strings.Builder
	for _, r := range b.String() {
		if r < 0x80 {
			ascii.WriteRune(r)
		} else {
			fmt.Fprintf(&ascii, "&#x%X;", r)
		}
	}
	return ascii.String(), nil
}

// literal is a text in double quotes, which YAML and Python read alike: a string of JSON.
func literal(text string) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(text)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// kubernetesWord is a word of a command of a container, in which $(NAME) would be a variable and $$ is a $.
func kubernetesWord(word string) string { return strings.ReplaceAll(word, "$", "$$") }

// jinja is a text that a template of Jinja, which Airflow makes of commands, gives as it is.
func jinja(text string) string { return strings.ReplaceAll(text, "{", `{{ "{" }}`) }

// githubText is a text that GitHub, which looks for expressions in commands, gives as it is.
func githubText(text string) string { return strings.ReplaceAll(text, "${{", "${{ '${{' }}") }
