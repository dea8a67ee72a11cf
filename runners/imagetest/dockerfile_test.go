//go:build image

package imagetest_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stage is what stands between one FROM and the next.
type stage struct {
	name, base string
	steps      []step
}

// step is one instruction, with its flags, such as --from=build, taken off its text.
type step struct {
	instruction string
	flags       []string
	text        string
}

// flag is the value of the first flag of that name.
func (s step) flag(name string) string {
	for _, flag := range s.flags {
		if value, ok := strings.CutPrefix(flag, "--"+name+"="); ok {
			return value
		}
	}
	return ""
}

// words are the text without quotes, split at spaces outside of them.
func (s step) words() []string {
	quoted := false
	words := strings.FieldsFunc(s.text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], `"`, "")
	}
	return words
}

// list is the text as the JSON of a list of words.
func (s step) list(t *testing.T) (words []string) {
	require.NoError(t, json.Unmarshal([]byte(s.text), &words))
	return words
}

// readDockerfile splits a Dockerfile into its stages.
func readDockerfile(t *testing.T, path string) (stages []stage) {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s := step{}
		s.instruction, s.text, _ = strings.Cut(strings.Join(strings.Fields(line), " "), " ")
		for strings.HasPrefix(s.text, "--") {
			flag, rest, _ := strings.Cut(s.text, " ")
			s.flags, s.text = append(s.flags, flag), rest
		}
		if s.instruction != "FROM" {
			require.NotEmpty(t, stages, "%s before FROM", s.instruction)
			last := &stages[len(stages)-1]
			last.steps = append(last.steps, s)
			continue
		}
		base, name, _ := strings.Cut(s.text, " AS ")
		stages = append(stages, stage{name: name, base: base})
	}
	return stages
}
