package pipelines

import (
	"context"
	"fmt"

	"hyperlake/sinks/tableau"
)

// checkServer signs in where the configuration publishes, looks for the project, and signs
// out. Nothing is changed.
func (c *Config) checkServer(ctx context.Context) (string, error) {
	client, err := c.connect(nil)
	if err != nil {
		return "", err
	}
	if err := client.SignIn(ctx); err != nil {
		return "", tableau.Failure(err)
	}
	found, err := c.lookAtServer(ctx, client)
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

func (c *Config) lookAtServer(ctx context.Context, client *tableau.Client) (string, error) {
	info, err := client.ServerInfo(ctx)
	if err != nil {
		return "", err
	}
	name := "default"
	if c.Publish.Project != "" {
		name = c.Publish.Project
	}
	project := "is there"
	if _, err := client.FindProject(ctx, c.Publish.Project); tableau.IsNotFound(err) && c.Publish.CreateProject {
		project = "would be created"
	} else if err != nil {
		return "", err
	}
	site := "the default site"
	if client.Site != "" {
		site = "site " + client.Site
	}
	return fmt.Sprintf("signed in to %s, %s (Tableau %s, REST API %s); project %s %s", client.Address(), site, info.Product, info.API, name, project), nil
}
