package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
)

// clockSkew is how far the service lets clocks be apart.
const clockSkew = 15 * time.Minute

func noAzureCredentials(err error) error {
	return hinted{
		error: fmt.Errorf("no usable Azure credentials: %w", err),
		hint: "run `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or AZURE_STORAGE_CONNECTION_STRING, " +
			"or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN; " +
			"set " + publicAzureVariable + "=yes to read containers that everybody may read",
		environment: true,
	}
}

func noAzureAccount(host string) error {
	return hinted{
		error: fmt.Errorf("the account does not exist: there is no host %s: %w", host, fs.ErrNotExist),
		hint:  "check the name of the account, and that this machine resolves it",
	}
}

func noContainer(container string) error {
	return hinted{
		error: fmt.Errorf("the container %s does not exist: %w", container, fs.ErrNotExist),
		hint:  "check the name of the container and of its account; hyperlake does not create containers",
	}
}

// noAzurePermission says what is missing, as far as the service tells.
func noAzurePermission(container string, failed *azcore.ResponseError) error {
	hint := fmt.Sprintf("grant the identity that is used the role Storage Blob Data Reader on the container %s to read, "+
		"Storage Blob Data Contributor to write; a SAS token needs the permissions r and l to read, also c, w and d to write", container)
	switch bloberror.Code(failed.ErrorCode) {
	case bloberror.AuthorizationFailure:
		hint = "let this machine's network through the firewall of the account; if it is, " + hint
	case bloberror.AuthenticationFailed:
		hint = "check the key of the account, or when the SAS token ends"
	case bloberror.AccountIsDisabled:
		hint = "have the account enabled"
	}
	if apart := clocksApart(failed.RawResponse); apart > clockSkew {
		hint = fmt.Sprintf("set the clock of this machine, which is %s away from the service's", apart.Round(time.Second))
	}
	return hinted{error: fmt.Errorf("%w: %w", fs.ErrPermission, said(failed)), hint: hint}
}

// clocksApart is how far the clock of the service is from ours.
func clocksApart(response *http.Response) time.Duration {
	if response == nil {
		return 0
	}
	theirs, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return 0
	}
	return time.Since(theirs).Abs()
}

// azureRefusals are answers that stay until somebody does something about a blob.
var azureRefusals = map[bloberror.Code]hinted{
	bloberror.BlobArchived: {
		error: errors.New("the blob is in the archive tier, where it cannot be read"),
		hint:  "rehydrate it to the tier Hot or Cool, which takes hours, then run again",
	},
	bloberror.BlobBeingRehydrated: {
		error: errors.New("the blob is on its way out of the archive tier"),
		hint:  "run again when its tier is Hot or Cool",
	},
	bloberror.LeaseIDMissing: {
		error: errors.New("another program has a lease on the blob"),
		hint:  "end that program, or break the lease, then run again", transient: true,
	},
	bloberror.SnapshotsPresent: {
		error: errors.New("the blob has snapshots, without which it cannot be removed"),
		hint:  "remove its snapshots, which hyperlake never does, then run again",
	},
	bloberror.BlobImmutableDueToPolicy: {
		error: errors.New("a policy or a legal hold of the container keeps the blob as it is"),
		hint:  "write to a container without such a policy, or wait for its end",
	},
	bloberror.UnauthorizedBlobOverwrite: {
		error: fmt.Errorf("%w: the blob may not be replaced", fs.ErrPermission),
		hint:  "give the SAS token the permission w",
	},
	bloberror.InvalidBlockList: {
		error: fmt.Errorf("%w: another program wrote the blob meanwhile", errUploadGone),
		hint:  "run again when nothing else writes there", transient: true,
	},
	bloberror.InvalidBlobType: {
		error: errors.New("the blob is a page blob or an append blob, which is not replaced"),
		hint:  "remove it, or write to another name",
	},
}

// explain turns an error of the library into one that names uri and that callers can test. When ctx is done, that is the
// error: the library reports it in several ways.
func (a *azure) explain(ctx context.Context, uri string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", uri, ctx.Err())
	}
	at, _ := a.locate(uri) // it was before
	container, _, _ := strings.Cut(at.bucket, "@")
	var failed *azcore.ResponseError
	var refused interface{ NonRetriable() }
	var unknown *net.DNSError
	var known hinted
	switch {
	case errors.As(err, &known) || errors.Is(err, fs.ErrNotExist):
	case errors.As(err, &failed) && a.isRefusedToAll(at.bucket, failed):
		err = notPublic(container, failed)
	case errors.As(err, &failed):
		err = explainAnswer(container, failed)
	case errors.As(err, &refused):
		err = noAzureCredentials(err)
	case errors.As(err, &unknown) && unknown.IsNotFound:
		err = noAzureAccount(unknown.Name)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errStalled) || networkMayRecover(err):
		err = unavailable(err, azureStatus)
	}
	return fmt.Errorf("%s: %w", uri, err)
}

// isRefusedToAll says whether a request without credentials was refused because that needs some. Of a container that is not public,
// the service says that there is none.
func (a *azure) isRefusedToAll(bucket string, failed *azcore.ResponseError) bool {
	account, _, err := a.account(bucket)
	if err != nil || !account.isPublic {
		return false
	}
	return bloberror.HasCode(failed, bloberror.ResourceNotFound, "PublicAccessNotPermitted", "NoAuthenticationInformation") ||
		failed.StatusCode == http.StatusUnauthorized || failed.StatusCode == http.StatusForbidden
}

func notPublic(container string, failed *azcore.ResponseError) error {
	return hinted{
		error: fmt.Errorf("%w: %w", fs.ErrPermission, said(failed)),
		hint: fmt.Sprintf("not everybody may do that in the container %s: unset %s, and set credentials that allow it; "+
			"a container whose access level is Blob cannot be listed", container, publicAzureVariable),
	}
}

// explainAnswer turns an answer that is an error into ours.
func explainAnswer(container string, failed *azcore.ResponseError) error {
	code := bloberror.Code(failed.ErrorCode)
	if refusal, found := azureRefusals[code]; found {
		return refusal
	}
	switch status := failed.StatusCode; {
	case code == bloberror.ContainerNotFound || code == bloberror.ContainerBeingDeleted:
		return noContainer(container)
	case code == bloberror.BlobAlreadyExists:
		return ErrExists
	case status == http.StatusNotFound:
		return fs.ErrNotExist
	case status == http.StatusPreconditionFailed:
		return ErrChanged
	case status == http.StatusUnauthorized:
		return noAzureCredentials(said(failed))
	case status == http.StatusForbidden:
		return noAzurePermission(container, failed)
	case statusMayPass(status):
		return unavailable(said(failed), azureStatus)
	}
	return said(failed)
}

// said is what the service answered, in one line.
func said(failed *azcore.ResponseError) error {
	text := fmt.Sprintf("the service answered %d", failed.StatusCode)
	if failed.ErrorCode != "" {
		text += " " + failed.ErrorCode
	}
	if failed.RawResponse != nil {
		if id := failed.RawResponse.Header.Get("X-Ms-Request-Id"); id != "" {
			text += " (request " + id + ")"
		}
	}
	return errors.New(text)
}

// azureStatus is where to look when it does not recover.
const azureStatus = "check the network and the status of Azure, then run again"

// wasRefused says whether a request was refused because its condition did not hold.
func wasRefused(err error) bool {
	return bloberror.HasCode(err, bloberror.BlobAlreadyExists) || hasAzureStatus(err, http.StatusPreconditionFailed) &&
		!bloberror.HasCode(err, bloberror.LeaseIDMissing)
}

func hasAzureStatus(err error, status int) bool {
	var failed *azcore.ResponseError
	return errors.As(err, &failed) && failed.StatusCode == status
}
