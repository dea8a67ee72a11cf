// Package tableau publishes .hyper extracts to Tableau Server and Tableau Cloud and
// updates what was published, through their REST API.
//
// What it promises:
//
//   - Constant memory. Files are sent from where they are, in one request below 64 MB
//     and in chunks above; every request says its length.
//   - Nothing happens twice. A request whose reply was lost is sent again only if that
//     cannot do harm: see [Client.Publish] and [Client.UpdateData]. What cannot be known
//     is an [OutcomeUnknownError].
//   - Secrets stay secret. They never stand in an error, a log line or a redirected
//     request; [Secret] hides them from everything that prints or marshals.
//   - Errors that help. Each is or wraps an [Error] with the HTTP status, Tableau's code,
//     the request and a hint; [IsNotFound] and its like tell them apart. Texts of the
//     server are in the user's language and are never interpreted.
//
// A [Client] needs a server and credentials; [FromEnvironment] finds both where
// deployments keep them. It signs in when it has to, again when its token expired, and
// out with [Client.SignOut]:
//
//	client := &tableau.Client{Server: "https://example.online.tableau.com", Site: "marketing",
//		Credentials: tableau.PersonalAccessToken{Name: "nightly", Secret: tableau.NewSecret(secret)}}
//	defer client.SignOut(ctx)
//	project, err := client.FindProject(ctx, "Sales/Nightly")
//	…
//	published, err := client.Publish(ctx, tableau.Publication{
//		File: "lineitem.hyper", Name: "Line items", ProjectID: project.ID, Mode: tableau.Overwrite})
//
// [CheckTables] knows beforehand which extracts of several tables Tableau refuses, and
// [CheckPayload] which data updates.
package tableau
