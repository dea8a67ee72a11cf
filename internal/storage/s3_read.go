package storage

import (
	"context"
	"crypto/md5" //nolint:gosec // it finds damage, and keeps nobody out
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// connect names the version in each request, and holds the answer against it.
func (a *amazon) connect(ctx context.Context, at address, version string, start, end int64, alive func()) (*answer, error) {
	in := &s3.GetObjectInput{Bucket: &at.bucket, Key: &at.name, RequestPayer: payer()}
	if version != "" {
		in.IfMatch = etagOf(version)
	}
	whole := start == 0 && end == wholeObject
	switch {
	case whole:
		in.ChecksumMode = types.ChecksumModeEnabled
	case end == wholeObject:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", start))
	default:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", start, end-1))
	}
	got, err := inRegion(ctx, a, at.bucket, func(client *s3.Client) (*s3.GetObjectOutput, error) {
		return client.GetObject(ctx, in, a.patiently(alive))
	})
	if err != nil {
		return nil, err
	}
	found := &answer{ReadCloser: cutting{got.Body}, version: versionOf(got.ETag), size: aws.ToInt64(got.ContentLength)}
	if whole {
		found.sum, found.kept = keptSum(got)
	} else {
		found.size, err = sizeInRange(aws.ToString(got.ContentRange), start)
	}
	if version != "" && found.version != version && err == nil {
		err = ErrChanged
	}
	if err != nil {
		_ = got.Body.Close() // nobody reads it
		return nil, err
	}
	return found, nil
}

// sizeInRange is the size of the whole object in what an answer says of its part, which must begin where it was asked to.
func sizeInRange(part string, start int64) (int64, error) {
	rest, begins := strings.CutPrefix(part, fmt.Sprintf("bytes %d-", start))
	_, total, told := strings.Cut(rest, "/")
	size, err := strconv.ParseInt(total, 10, 64)
	if !begins || !told || err != nil {
		return 0, hinted{
			error: fmt.Errorf("asked for bytes from %d, the service answered %q", start, part),
			hint:  "use a service that answers ranges of objects",
		}
	}
	return size, nil
}

// nvme is the polynomial of the checksum that Amazon itself keeps with an object.
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// keptSum is a checksum that is kept with a whole object, and what computes it; nil if there is none.
func keptSum(got *s3.GetObjectOutput) (hash.Hash, []byte) {
	if got.ChecksumType != types.ChecksumTypeComposite {
		for _, known := range []struct {
			kept *string
			sum  func() hash.Hash
		}{
			{got.ChecksumCRC64NVME, func() hash.Hash { return crc64.New(nvme) }},
			{got.ChecksumCRC32C, func() hash.Hash { return crc32.New(castagnoli) }},
			{got.ChecksumCRC32, func() hash.Hash { return crc32.NewIEEE() }},
			{got.ChecksumSHA256, sha256.New},
		} {
			kept, err := base64.StdEncoding.DecodeString(aws.ToString(known.kept))
			if sum := known.sum(); err == nil && len(kept) == sum.Size() {
				return sum, kept
			}
		}
	}
	// The ETag is the MD5 of what was written by one request, and not encrypted by a key of the customer.
	kept, err := hex.DecodeString(versionOf(got.ETag))
	by := got.ServerSideEncryption
	encrypted := got.SSECustomerAlgorithm != nil || by != "" && by != types.ServerSideEncryptionAes256
	if err != nil || len(kept) != md5.Size || encrypted {
		return nil, nil
	}
	return md5.New(), kept //nolint:gosec // see above
}
