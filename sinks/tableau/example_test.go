package tableau_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

// Publishing a file, here to the fake server, and what happens when it exists already.
func Example() {
	server, err := tableautest.Start(tableautest.Config{Sites: []string{"marketing"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()
	file := filepath.Join(os.TempDir(), "example.hyper")
	if err := os.WriteFile(file, []byte("an extract"), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	client := &tableau.Client{
		Server: server.URL, AllowHTTP: true, Site: "marketing",
		Credentials: tableau.PersonalAccessToken{Name: "nightly", Secret: tableau.NewSecret("the secret")},
	}
	defer func() { _ = client.SignOut(ctx) }()
	project, err := client.EnsureProject(ctx, "Sales/Nightly")
	if err != nil {
		fmt.Println(err, tableau.Hint(err))
		return
	}
	publication := tableau.Publication{File: file, Name: "Line items", ProjectID: project.ID, Mode: tableau.Create}
	published, err := client.Publish(ctx, publication)
	fmt.Println(published.Datasource.Name, published.Bytes, err)

	_, err = client.Publish(ctx, publication)
	fmt.Println(tableau.IsConflict(err), tableau.Hint(err))
	// Output:
	// Line items 10 <nil>
	// true publish with mode overwrite to replace it, or under another name
}
