package storage

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	blobs "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

// azureAccount is where requests go, and by what they are allowed: a key, a SAS token, or else who the process is.
type azureAccount struct {
	name     string
	endpoint string // URL of its blobs, without a slash at the end; empty for the one that its name has by itself
	key, sas string
	isPublic bool // everybody may read, so that neither is needed
}

// publicAzureVariable says with the value yes that requests are not signed where there is neither key nor SAS token, for containers that
// everybody may read. GDAL reads it too.
const publicAzureVariable = "AZURE_NO_SIGN_REQUEST"

// azureEnvironment is the account that the environment names, by the variables of Azure's command line, or those of adlfs and of
// programs on object_store where they differ. A key or a SAS token without an account is for whichever account a URI names.
func azureEnvironment(connection string) (azureAccount, error) {
	if connection = cmp.Or(connection, os.Getenv("AZURE_STORAGE_CONNECTION_STRING")); connection != "" {
		return parseConnection(connection)
	}
	return azureAccount{
		name: cmp.Or(os.Getenv("AZURE_STORAGE_ACCOUNT"), os.Getenv("AZURE_STORAGE_ACCOUNT_NAME")),
		key:  cmp.Or(os.Getenv("AZURE_STORAGE_KEY"), os.Getenv("AZURE_STORAGE_ACCOUNT_KEY")),
		sas:  strings.TrimPrefix(os.Getenv("AZURE_STORAGE_SAS_TOKEN"), "?"),
	}, nil
}

// parseConnection reads a connection string. An error of it tells nothing that it holds.
func parseConnection(text string) (azureAccount, error) {
	values := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if key, value, found := strings.Cut(strings.TrimSpace(part), "="); found {
			values[strings.ToLower(key)] = value
		}
	}
	account := azureAccount{
		name: values["accountname"], key: values["accountkey"],
		sas:      strings.TrimPrefix(values["sharedaccesssignature"], "?"),
		endpoint: strings.TrimRight(values["blobendpoint"], "/"),
	}
	if _, host, found := strings.Cut(account.endpoint, "://"); found && account.name == "" {
		account.name, _, _ = strings.Cut(host, ".")
	}
	if account.name == "" {
		return azureAccount{}, hinted{
			error:       errors.New("AZURE_STORAGE_CONNECTION_STRING names no account"),
			hint:        "copy the whole connection string, from AccountName= or BlobEndpoint= on, as the portal shows it",
			environment: true,
		}
	}
	if account.endpoint == "" {
		account.endpoint = cmp.Or(values["defaultendpointsprotocol"], httpsScheme) + "://" +
			account.name + ".blob." + cmp.Or(values["endpointsuffix"], publicSuffix)
	}
	return account, nil
}

func endpointOf(name, suffix string) string { return "https://" + name + ".blob." + suffix }

// isOf says whether an account of the environment is the one of a host, whatever the endpoint if that is no usual one.
func (a azureAccount) isOf(host string) bool {
	name, suffix, _ := strings.Cut(host, ".dfs.")
	usual := azureHost.MatchString(strings.TrimPrefix(a.endpoint, "https://"))
	return a.name == name && (!usual || a.endpoint == endpointOf(name, suffix))
}

// account finds the account of a bucket, and the container in it.
func (a *azure) account(bucket string) (account azureAccount, container string, err error) {
	given, err := azureEnvironment(a.options.Endpoint)
	if err != nil {
		return azureAccount{}, "", err
	}
	container, host, named := strings.Cut(bucket, "@")
	if !named {
		if given.name == "" {
			return azureAccount{}, "", hinted{
				error:       errors.New("which account the container is in is not known"),
				hint:        "set AZURE_STORAGE_ACCOUNT or AZURE_STORAGE_CONNECTION_STRING, or write " + withAccount,
				environment: true,
			}
		}
		given.endpoint = cmp.Or(given.endpoint, endpointOf(given.name, publicSuffix))
		given.isPublic = given.key == "" && given.sas == "" && saysYes(publicAzureVariable)
		return given, container, nil
	}
	name, suffix, _ := strings.Cut(host, ".dfs.")
	if given.name != "" && !given.isOf(host) { // what is known is for another one
		given = azureAccount{}
	}
	given.isPublic = given.key == "" && given.sas == "" && saysYes(publicAzureVariable)
	given.name, given.endpoint = name, cmp.Or(given.endpoint, endpointOf(name, suffix))
	return given, container, nil
}

// azureClient speaks to one account.
type azureClient struct {
	*blobs.Client
	account    azureAccount
	credential azcore.TokenCredential // nil where a key or a SAS token is used
}

// connected returns the client of an account, which is made at its first use.
func (a *azure) connected(account azureAccount) (azureClient, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if client, found := a.clients[account]; found {
		return client, nil
	}
	client := azureClient{account: account}
	options := &blobs.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport:       a.transport,
		PerCallPolicies: []policy.Policy{waiting{a.options.Retry}},
		Retry:           policy.RetryOptions{MaxRetries: -1}, // that is done by the policy
		Telemetry:       policy.TelemetryOptions{ApplicationID: "hyperlake"},
	}}
	var err error
	switch {
	case account.key != "":
		var key *blob.SharedKeyCredential
		if key, err = blob.NewSharedKeyCredential(account.name, account.key); err != nil {
			err = noAzureCredentials(errors.New("the key of the account is not in base64")) // the library's error may show it
			break
		}
		client.Client, err = blobs.NewClientWithSharedKeyCredential(account.endpoint, key, options)
	case account.sas != "":
		client.Client, err = blobs.NewClientWithNoCredential(account.endpoint+"/?"+account.sas, options)
	case account.isPublic:
		client.Client, err = blobs.NewClientWithNoCredential(account.endpoint+"/", options)
	default:
		if client.credential, err = azidentity.NewDefaultAzureCredential(nil); err != nil {
			err = noAzureCredentials(err)
			break
		}
		client.Client, err = blobs.NewClient(account.endpoint, client.credential, options)
	}
	if err != nil {
		return azureClient{}, fmt.Errorf("account %s: %w", account.name, err)
	}
	a.clients[account] = client
	return client, nil
}
