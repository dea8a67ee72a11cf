//go:build stores || flink

package storagetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// azurite is the program of the server, as the lock file beside the one of its folder has it.
const azurite = "azurite/node_modules/azurite/dist/src/blob/main.js"

// Of the one account that Azurite has, which its documentation tells everybody.
const (
	AzureAccount = "devstoreaccount1"
	AzureKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==" //nolint:gosec // see above
)

// Azure is an account of object storage that speaks the protocol of Azure on loopback: Azurite, which keeps everything in memory,
// behind a proxy that counts requests and injects [Faults]. All tests of a process share one Azurite, each with a container of its own.
//
// It differs from the service in this: blocks stay when another write replaces the blob, where the service forgets them (inject
// InvalidBlockList); blocks of one blob may have IDs of several lengths; the condition If-Match of a deletion fails where there is no
// blob, which the service calls not found; \ in a name is /; a listing of names that XML cannot hold fails. There are no directories,
// no tiers, no roles, no limits and no quotas.
type Azure struct {
	*Faults
	Connection string // for AZURE_STORAGE_CONNECTION_STRING, here or in another process
	Container  string // name of a container, empty at first
	Bucket     string // URI of it, in the account of the connection
	Place      string // URI of it that names the account

	t      testing.TB
	direct *container.Client
}

var (
	containers atomic.Int64 // that were made

	sharedAzurite struct {
		sync.Once
		open    io.Closer // by which it knows that this process lives; a file that nobody refers to is closed
		address string
		err     error
	}
)

// StartAzure starts an account that lives as long as the test.
func StartAzure(t testing.TB) *Azure {
	program := installed(t, azurite)
	shared := &sharedAzurite
	shared.Do(func() { shared.open, shared.address, shared.err = startAzurite(program) })
	require.NoError(t, shared.err)
	address := shared.address
	url, faults := startProxy(t, azureProtocol{}, forward(address))
	name := fmt.Sprintf("lake-%d", containers.Add(1))
	direct, err := container.NewClientFromConnectionString(connectionString("http://"+address), name, nil)
	require.NoError(t, err)
	_, err = direct.Create(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := direct.Delete(context.WithoutCancel(t.Context()), nil)
		assert.NoError(t, err)
	})
	return &Azure{
		Faults: faults, Connection: connectionString(url), Container: name,
		Bucket: "az://" + name, Place: "abfss://" + name + "@" + AzureAccount + ".dfs.core.windows.net", t: t, direct: direct,
	}
}

func connectionString(url string) string {
	return "DefaultEndpointsProtocol=http;AccountName=" + AzureAccount + ";AccountKey=" + AzureKey +
		";BlobEndpoint=" + url + "/" + AzureAccount + ";"
}

// ByToken is the connection string of the account by a SAS token that ends in an hour, and what is secret of it. The permissions are the
// letters of the service.
func (a *Azure) ByToken(permissions string) (connection, signature string) {
	key, err := blob.NewSharedKeyCredential(AzureAccount, AzureKey)
	require.NoError(a.t, err)
	values, err := sas.AccountSignatureValues{
		ExpiryTime: time.Now().Add(time.Hour), Permissions: permissions,
		ResourceTypes: new(sas.AccountResourceTypes{Container: true, Object: true}).String(),
	}.SignWithSharedKey(key)
	require.NoError(a.t, err)
	require.NotEmpty(a.t, values.Signature())
	return strings.Replace(a.Connection, "AccountKey="+AzureKey, "SharedAccessSignature="+values.Encode(), 1), values.Signature()
}

// untilInputEnds runs a program of Node until what it reads ends, which is when the process of the tests has ended.
const untilInputEnds = `process.stdin.resume().on("end", () => process.exit(0)); require(process.argv[1])`

// startAzurite starts a server that lives until open is closed, or this process ends.
func startAzurite(program string) (open io.Closer, address string, err error) {
	cmd := exec.Command("node", "-e", untilInputEnds, "--", program,
		"--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent")
	if open, err = cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	said := &bytes.Buffer{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if _, address, found := strings.Cut(lines.Text(), "successfully listens on http://"); found {
			go func() {
				for lines.Scan() { // else it would wait for somebody to read
				}
			}()
			return open, address, nil
		}
	}
	err = cmd.Wait()
	return nil, "", fmt.Errorf("azurite ended: %w\n%s", err, said)
}

// CreateObject makes a blob without a request that is counted.
func (a *Azure) CreateObject(name string, data []byte) {
	a.create(name, data, nil)
}

// MakePublic lets everybody list and read the container.
func (a *Azure) MakePublic() {
	_, err := a.direct.SetAccessPolicy(a.t.Context(), &container.SetAccessPolicyOptions{Access: new(container.PublicAccessTypeContainer)})
	require.NoError(a.t, err)
}

// CreateFolder makes a blob that stands for a folder, as accounts with directories list them.
func (a *Azure) CreateFolder(name string) {
	a.create(name, nil, map[string]*string{"hdi_isfolder": new("true")})
}

func (a *Azure) create(name string, data []byte, metadata map[string]*string) {
	_, err := a.direct.NewBlockBlobClient(name).Upload(context.WithoutCancel(a.t.Context()), streaming.NopCloser(bytes.NewReader(data)),
		&blockblob.UploadOptions{Metadata: metadata})
	assert.NoError(a.t, err) // perhaps in the middle of a request
}

// azureProtocol is that of Azure, with the account and the container in the path.
type azureProtocol struct{}

func (azureProtocol) classify(r *http.Request) (Operation, string) {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	_, name, _ := strings.Cut(path, "/")
	query := r.URL.Query()
	switch {
	case query.Get("comp") == "list":
		return List, query.Get("prefix")
	case query.Get("comp") == "blocklist":
		return Complete, name
	case r.Method == http.MethodHead:
		return Stat, name
	case r.Method == http.MethodGet:
		return Read, name
	case r.Method == http.MethodDelete:
		return Delete, name
	}
	return Write, name
}

// azureCodes are what the service calls an answer, where it has one usual name.
var azureCodes = map[int]string{
	http.StatusUnauthorized:        "NoAuthenticationInformation",
	http.StatusForbidden:           "AuthorizationPermissionMismatch",
	http.StatusInternalServerError: "InternalError",
	http.StatusServiceUnavailable:  "ServerBusy",
}

func (azureProtocol) refuse(w http.ResponseWriter, status int, code string) {
	if code == "" {
		code = azureCodes[status]
	}
	w.Header().Set("X-Ms-Error-Code", code)
	refuseInXML(w, status, code)
}

func (azureProtocol) allows(http.ResponseWriter, *http.Request, http.Handler) bool { return true }

// FakeAzure starts an account and makes az:// and others lead there for the rest of the test, in this process and in those that it
// starts. A test that runs in parallel with others uses [StartAzure] and storage.NewAzure instead.
func FakeAzure(t testing.TB) (bucketURI string, faults *Faults) {
	server := StartAzure(t)
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", server.Connection)
	return server.Bucket, server.Faults
}

// Contents are the bytes of all blobs, one after another.
func (a *Azure) Contents() []byte {
	var all bytes.Buffer
	for pager := a.direct.NewListBlobsFlatPager(nil); pager.More(); {
		page, err := pager.NextPage(a.t.Context())
		require.NoError(a.t, err)
		for _, item := range page.Segment.BlobItems {
			blob, err := a.direct.NewBlobClient(*item.Name).DownloadStream(a.t.Context(), nil)
			require.NoError(a.t, err)
			_, err = all.ReadFrom(blob.Body)
			require.NoError(a.t, errors.Join(err, blob.Body.Close()))
		}
	}
	return all.Bytes()
}
