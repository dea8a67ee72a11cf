// Command hyperlake builds Tableau .hyper extracts from a Parquet data lake.
package main

import (
	"fmt"
	"os"

	"hyperlake/cmd/hyperlake/internal/cli"
	"hyperlake/internal/environment"
	"hyperlake/internal/guard"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/machine"
	"hyperlake/internal/nameless"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
)

func main() {
	nameless.Settle()
	guard.Main()
	machine.RaiseFileLimit()
	if runners.StartedAsWorker(os.Args[1:]) {
		os.Exit(work())
	}
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// work serves an engine, and returns the exit code of the process.
func work() int {
	err := environment.WithoutTableau()
	if err == nil {
		err = runners.ServeAsWorker(staging.RunEnded)
	}
	hyperd.Kill() // whatever it is doing, nobody waits for it
	if err != nil {
		fmt.Fprintln(os.Stderr, "hyperlake:", err)
		return 1
	}
	return 0
}
