// Command hyperlake builds Tableau .hyper extracts from a Parquet data lake.
package main

import (
	"os"

	"hyperlake/internal/cli"
	"hyperlake/internal/guard"
	"hyperlake/internal/hyperd"
	"hyperlake/runners"
)

func main() {
	guard.Main()
	if runners.StartedAsWorker(os.Args[1:]) {
		runners.ServeAsWorker()
		hyperd.Kill() // its job has ended
		return
	}
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
