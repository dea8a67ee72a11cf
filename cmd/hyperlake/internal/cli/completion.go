package cli

import (
	"encoding"
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hyperlake/cmd/hyperlake/internal/schedule"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/runners/options"
)

// flagWords are the flags whose values are words, of whichever commands.
var flagWords = map[string][]string{
	"log-format": {formatText, formatJSON},
	"log-level":  {"debug", "info", "warn", "error"},
	"runner":     {options.RunnerDirect, "prism", options.RunnerFlink, options.RunnerDataflow},
	"mode":       wordsOf(new(config.PublishMode)),
	"as-job":     wordsOf(new(config.JobChoice)),
	"on-busy":    wordsOf(new(config.BusyChoice)),
	"confirm":    wordsOf(new(config.Confirmation)),
	"format":     wordsOf(new(config.SourceFormat)),
	"as":         schedule.Platforms(),
}

// flagFiles are the flags whose values are files, by how their names end.
var flagFiles = map[string][]string{
	"report": {"json"}, "html": {"html"}, "ca-file": {"pem", "crt", "cer"},
}

// flagFolders are the flags whose values are folders.
var flagFolders = []string{"staging", "folder"}

// wordsOf are the words that a value of a configuration may be.
func wordsOf(value encoding.TextUnmarshaler) []string {
	unknown := (*words.UnknownError)(nil)
	if errors.As(value.UnmarshalText([]byte("\x00")), &unknown) {
		return unknown.Known
	}
	return nil
}

// addCompletion has shells complete the arguments and flags of a command and of those below it. What arguments are, usages say.
func addCompletion(cmd *cobra.Command) {
	if cmd.ValidArgsFunction == nil && cmd.Runnable() && !cmd.HasSubCommands() {
		cmd.ValidArgsFunction = argumentsOf(cmd.Use)
	}
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if complete := completionOf(flag); complete != nil {
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, complete) // fails for flags that are registered already, which stay so
		}
	})
	for _, sub := range cmd.Commands() {
		addCompletion(sub)
	}
}

// completionOf is how the value of a flag is completed; nil leaves it to the shell, which completes files.
func completionOf(flag *pflag.Flag) cobra.CompletionFunc {
	if known := flagWords[flag.Name]; known != nil {
		return cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp)
	}
	if ends := flagFiles[flag.Name]; ends != nil {
		return cobra.FixedCompletions(ends, cobra.ShellCompDirectiveFilterFileExt)
	}
	switch {
	case slices.Contains(flagFolders, flag.Name):
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case flag.Name == "output":
		return nil
	}
	return cobra.NoFileCompletions
}

// argumentPattern matches the arguments of a usage, each with what says that there may be more of it.
var argumentPattern = regexp.MustCompile(`\b(?:[A-Z]+\.([a-z]+)|CONFIG|PATH|SOURCE|FOLDER|A B)(…?)`)

// argumentsOf completes what a usage such as "publish [CONFIG] [FILE.hyper]" names: files whose names end as it says, one after another.
func argumentsOf(use string) cobra.CompletionFunc {
	most, isAny := 0, false
	var ends []string
	for _, found := range argumentPattern.FindAllStringSubmatch(usageOfFlags.ReplaceAllString(use, ""), -1) {
		switch {
		case found[1] != "":
			ends = append(ends, found[1])
		case strings.HasPrefix(found[0], "CONFIG"):
			ends = append(ends, "yaml", "yml")
		case found[0] == "A B":
			ends = append(ends, "hyper", "json")
		default:
			isAny = true
		}
		most++
		if found[2] != "" {
			most = math.MaxInt
		}
	}
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		switch {
		case len(args) >= most:
			return nil, cobra.ShellCompDirectiveNoFileComp
		case isAny:
			return nil, cobra.ShellCompDirectiveDefault
		}
		return ends, cobra.ShellCompDirectiveFilterFileExt
	}
}

// usageOfFlags matches the flags that stand in usages, with their values.
var usageOfFlags = regexp.MustCompile(`-o [A-Z]+\.[a-z]+`)
