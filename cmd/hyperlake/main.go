// Command hyperlake builds Tableau .hyper extracts from a Parquet data lake.
package main

import (
	"flag"
	"os"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"hyperlake/internal/cli"
	"hyperlake/internal/guard"
)

func main() {
	guard.Main()
	if startedAsWorker(os.Args[1:]) {
		flag.Parse()
		beam.Init() // serves the engine that started this process, and does not return
	}
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// startedAsWorker recognises the flag with which Beam's boot program starts workers. It
// must be seen before the commands of the user, which do not know Beam's flags.
func startedAsWorker(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		return strings.HasPrefix(arg, "-") && name == "worker" && value != "false"
	})
}
