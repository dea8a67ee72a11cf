package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/google/uuid"
)

const (
	mostCopied   = 256 << 20 // bytes that the service copies in one request
	storageScope = "https://storage.azure.com/.default"
	copyAllowed  = time.Hour // that the address of a source is good for
)

// copy has the service copy what it copies in one request, within an account; what is larger or from elsewhere passes through us. The
// copy has a mark, by which a request whose answer was lost knows it again.
func (a *azure) copy(ctx context.Context, info Info, uri string, condition Condition) (Info, error) {
	from, err := a.locate(info.URI)
	if err != nil {
		return Info{}, err
	}
	to, err := a.locate(uri)
	if err != nil {
		return Info{}, err
	}
	account, _, err := a.account(from.bucket)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", info.URI, err)
	}
	other, _, err := a.account(to.bucket)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", uri, err)
	}
	if account != other || info.Size > mostCopied {
		return Info{}, errors.ErrUnsupported
	}
	limited, cancel := context.WithTimeout(ctx, a.options.Retry.limit())
	defer cancel()
	mark := uuid.NewString()
	made, err := a.copyAtOnce(limited, from, info.Version, to, condition, mark)
	if wasRefused(err) {
		if found, its, failed := a.describe(limited, to); failed == nil && its == mark {
			return found.info(uri), nil
		}
	}
	switch {
	case err == nil:
		return asInfo(uri, info.Size, made.ETag, made.LastModified), nil
	case wasRefused(err) && ctx.Err() == nil:
		return Info{}, a.whichRefused(ctx, info, uri, condition)
	case hasAzureStatus(err, http.StatusNotFound) && ctx.Err() == nil: // what was listed has gone, or there is no container to copy it to
		return Info{}, fmt.Errorf("copy %s to %s: %w", info.URI, uri, fs.ErrNotExist)
	}
	return Info{}, a.explain(ctx, uri, err)
}

// copyAtOnce asks for a copy of a version.
func (a *azure) copyAtOnce(
	ctx context.Context, from address, version string, to address, condition Condition, mark string,
) (blob.CopyFromURLResponse, error) {
	target, err := a.blob(ctx, to)
	if err != nil {
		return blob.CopyFromURLResponse{}, err
	}
	tag := azcore.ETag(`"` + version + `"`)
	options := &blob.CopyFromURLOptions{
		Metadata:                       map[string]*string{azureWriteKey: &mark},
		SourceModifiedAccessConditions: &blob.SourceModifiedAccessConditions{SourceIfMatch: &tag},
		BlobAccessConditions:           azureConditions(condition),
	}
	source, authorization, err := a.readable(ctx, from)
	if err != nil {
		return blob.CopyFromURLResponse{}, err
	}
	if authorization != "" {
		options.CopySourceAuthorization = &authorization
	}
	return target.BlobClient().CopyFromURL(ctx, source, options)
}

// readable is the URL by which the service itself may read a blob, and what it has to show there, if that is not in the URL.
func (a *azure) readable(ctx context.Context, p address) (url, authorization string, err error) {
	account, _, err := a.account(p.bucket)
	if err != nil {
		return "", "", err
	}
	client, err := a.connected(account)
	if err != nil {
		return "", "", err
	}
	source, err := a.blob(ctx, p)
	if err != nil {
		return "", "", err
	}
	switch {
	case account.key != "":
		url, err = source.GetSASURL(sas.BlobPermissions{Read: true}, time.Now().Add(copyAllowed), nil)
		return url, "", err
	case client.credential == nil: // it is the SAS token of all our requests
		return source.URL(), "", nil
	}
	token, err := client.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{storageScope}})
	return source.URL(), "Bearer " + token.Token, err
}

// whichRefused says whether it was the source or the target that is not as it has to be.
func (a *azure) whichRefused(ctx context.Context, info Info, uri string, condition Condition) error {
	from, err := a.locate(info.URI)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, a.options.Retry.limit())
	defer cancel()
	found, err := a.attributes(limited, from)
	switch {
	case err != nil:
		return a.explain(ctx, info.URI, err)
	case found.version != info.Version:
		return fmt.Errorf("%s: %w", info.URI, ErrChanged)
	case condition.absent:
		return fmt.Errorf("%s: %w", uri, ErrExists)
	}
	return fmt.Errorf("%s: %w", uri, ErrChanged)
}
