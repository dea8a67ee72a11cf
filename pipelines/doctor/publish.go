package doctor

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"hyperlake/pipelines/publish"
	"hyperlake/sinks/tableau"
)

// signOutTime bounds the last request, also of a check whose time is over.
const signOutTime = 5 * time.Second

// checkServer signs in where the configuration publishes, looks for the project, and signs
// out. Nothing is changed.
func (d doctor) checkServer(ctx context.Context) (string, error) {
	client, err := publish.NewClient(d.cfg, nil)
	if err != nil {
		return "", err
	}
	if err := client.SignIn(ctx); err != nil {
		return "", tableau.Failure(err)
	}
	found, err := d.lookAtServer(ctx, client)
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), signOutTime)
	defer cancel()
	if outErr := client.SignOut(out); err == nil {
		err = outErr
	}
	if err != nil {
		return "", tableau.Failure(err)
	}
	return found, nil
}

func (d doctor) lookAtServer(ctx context.Context, client *tableau.Client) (string, error) {
	info, err := client.ServerInfo(ctx)
	if err != nil {
		return "", err
	}
	name := cmp.Or(d.cfg.Publish.Project, d.cfg.Publish.ProjectID, "default")
	project := "is there"
	if _, err := publish.FindProject(ctx, client, d.cfg.Publish); tableau.IsNotFound(err) && d.cfg.Publish.CreateProject {
		project = "would be created"
	} else if err != nil {
		return "", err
	}
	site := "the default site"
	if client.Site != "" {
		site = "site " + client.Site
	}
	return fmt.Sprintf("signed in to %s, %s (Tableau %s, REST API %s); project %s %s",
		client.Address(), site, info.Product, info.API, name, project), nil
}
