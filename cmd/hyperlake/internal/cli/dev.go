package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hyperlake/internal/failure"
	"hyperlake/sinks/tableau/tableautest"
)

func (a *app) devCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Try things out",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.fakeTableauCommand(), a.manCommand())
	return cmd
}

// fakeFlags are those of dev fake-tableau.
type fakeFlags struct {
	config  tableautest.Config
	faults  []string
	jobTime time.Duration
}

func (a *app) fakeTableauCommand() *cobra.Command {
	flags := &fakeFlags{}
	cmd := &cobra.Command{
		Use:   "fake-tableau",
		Short: "Serve what publishing needs of a Tableau Server, to try it without one",
		Long: `Serve the part of Tableau's REST API that publishing needs, until it is interrupted. Data
sources are kept with their bytes; appends and data updates change them, through hyperd.
Any name and secret of a personal access token is accepted.

It prints its address, and variables of the environment for another terminal.

A fault says which requests go wrong: a method (or *), a part of the path, and what happens:
status=N, code=N, retry-after=N, truncate, empty, expire-token, lose-request, lose-reply,
purge-job, fail-job, early-finish-code, delay=2s, rate=BYTES, cut-after=BYTES, skip=N, times=N.
Behind the word then is what the next request meets; pass lets it through.`,
		Example: `  hyperlake dev fake-tableau --address 127.0.0.1:8000
  hyperlake dev fake-tableau --fault "POST /datasources lose-reply"
  hyperlake dev fake-tableau --fault "PATCH /data lose-reply then status=413 then pass then expire-token"`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serveFake(cmd.Context(), flags) },
	}
	set := cmd.Flags()
	set.StringVar(&flags.config.Address, "address", "", "listen on this `address`; a free port of 127.0.0.1 if it is not given")
	set.StringVar(&flags.config.Folder, "folder", "", "keep data sources in this existing `folder`; in a temporary one if it is not given")
	set.StringSliceVar(&flags.config.Sites, "site", []string{"marketing"}, "`contentUrl` of a site besides the default one")
	set.StringSliceVar(&flags.config.Projects, "project", []string{"Sales/Nightly"}, "`path` of a project besides default")
	set.StringVar(&flags.config.Product, "product", "", "`version` of the server, such as 2021.3.0")
	set.StringVar(&flags.config.API, "api", "", "`version` of its REST API, such as 3.13")
	set.Int64Var(&flags.config.PayloadLimit, "payload-limit", 0, "most `bytes` of a data update; 100 MB if it is not given")
	set.DurationVar(&flags.jobTime, "job-time", 0, "how long a job takes at least")
	set.StringArrayVar(&flags.faults, "fault", nil, "let requests go wrong, see above")
	return cmd
}

func (a *app) serveFake(ctx context.Context, flags *fakeFlags) error {
	var faults [][]tableautest.Fault
	for _, text := range flags.faults {
		sequence, err := tableautest.ParseFaults(text)
		if err != nil {
			return failure.New(failure.Usage, "--fault %q: %w", text, err).WithHint(`see "hyperlake dev fake-tableau --help"`)
		}
		faults = append(faults, sequence)
	}
	flags.config.JobTime, flags.config.Log = flags.jobTime, a.log
	server, err := tableautest.Start(flags.config)
	if err != nil {
		return failure.New(failure.Publish, "start the fake server: %w", err).WithHint("is the address taken?")
	}
	for _, sequence := range faults {
		server.Inject(sequence...)
	}
	if err := a.sayFake(server.URL, flags.config.Sites); err != nil {
		return err
	}
	<-ctx.Done()
	a.say("stopped")
	return server.Close()
}

// sayFake prints how to reach the server: what another terminal needs goes to stdout.
func (a *app) sayFake(url string, sites []string) error {
	site := ""
	if len(sites) > 0 {
		site = sites[0]
	}
	if a.flags.json {
		return a.printJSON(map[string]any{"url": url, "environment": map[string]string{
			"tab_site_url": url, "tab_site_id": site, "tab_pat_name": "nightly", "tab_secret_id": "anything",
		}})
	}
	a.say("a fake Tableau Server listens; stop it with Ctrl-C. For another terminal (http needs --allow-http, or allow_http: true):")
	return a.printText(fmt.Sprintf("export tab_site_url=%s\nexport tab_site_id=%s\n"+
		"export tab_pat_name=nightly\nexport tab_secret_id=anything\n", url, site))
}
