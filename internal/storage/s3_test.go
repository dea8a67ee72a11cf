//go:build stores

package storage_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

func init() {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": storagetest.S3AccessKey, "AWS_SECRET_ACCESS_KEY": storagetest.S3SecretKey, "AWS_REGION": storagetest.S3Region,
	} {
		_ = os.Setenv(name, value)
	}
}

// startS3 returns an object store, and clients of it with small limits.
func startS3(t *testing.T) objectStore {
	store, _ := startS3Server(t)
	return store
}

func startS3Server(t *testing.T) (objectStore, *storagetest.S3) {
	server := storagetest.StartS3(t)
	options := storage.ObjectsOptions{Endpoint: server.URL, ReadAhead: 2 << 20, Chunk: 1}
	return objectStore{
		objectServer: server, scheme: "s3://", bucket: server.Bucket,
		clients: newClients(time.Second, func(retry storage.Retry) storage.Store {
			options.Retry = retry
			return storage.NewS3(options)
		}),
		begin: 1, called: "bucket", chunk: 5 << 20, completing: []storagetest.Operation{storagetest.Write, storagetest.Complete},
		status: "status of Amazon S3", signOn: "aws sso login",
	}, server
}

func TestS3(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) {
		server := storagetest.StartS3(t)
		return storage.NewS3(storage.ObjectsOptions{Endpoint: server.URL}), server.Bucket + "/some/folder"
	})
}

func TestS3WithSmallWindows(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) {
		server := startS3(t)
		return server.patient, server.bucket + "/some/folder"
	})
}

func TestS3Objects(t *testing.T) {
	t.Parallel()
	runObjects(t, startS3)
}

func TestS3ReaderLeavesNothingRunning(t *testing.T) { testReaderLeavesNothingRunning(t, startS3) }

// An upload in parts that fails at its end leaves nothing, and one whose end was only not heard of is found.
func TestS3CompletesUploads(t *testing.T) {
	t.Parallel()
	const never = ""
	cases := map[string]struct {
		faults    []storagetest.Fault
		condition storage.Condition
		want      string // in the error; empty for success
	}{
		"refused for long": {[]storagetest.Fault{{Status: http.StatusServiceUnavailable}}, storage.Any(), "did not recover"},
		"refused shortly":  {[]storagetest.Fault{{Status: http.StatusServiceUnavailable, Times: 2}}, storage.Any(), never},
		"forbidden":        {[]storagetest.Fault{{Status: http.StatusForbidden}}, storage.Any(), "permission"},
		"in conflict":      {[]storagetest.Fault{{Status: http.StatusConflict, Code: "ConditionalRequestConflict", Times: 1}}, storage.IfAbsent(), never},
		"gone": {
			[]storagetest.Fault{{Status: http.StatusNotFound, Code: "NoSuchUpload"}}, storage.Any(), "what was uploaded of it has gone",
		},
		"lost, and gone at the second time": {
			[]storagetest.Fault{{Lose: true, Times: 1}, {Status: http.StatusNotFound, Code: "NoSuchUpload"}}, storage.IfAbsent(), never,
		},
		"lost, and always lost":       {[]storagetest.Fault{{Lose: true}}, storage.IfAbsent(), never},
		"lost, and refused from then": {[]storagetest.Fault{{Lose: true, Times: 1}, {Status: http.StatusInternalServerError}}, storage.Any(), never},
		"an error in a good answer":   {[]storagetest.Fault{{Status: http.StatusOK, Code: "InternalError", Times: 2}}, storage.Any(), never},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			store, server := startS3Server(t)
			want := noise(2 * store.chunk)
			client := store.patient
			for _, fault := range c.faults {
				if fault.Times == 0 { // it never ends
					client = store.impatient
				}
				fault.On = storagetest.Complete
				server.Inject(fault)
			}
			w, err := client.Create(t.Context(), store.bucket+"/a", c.condition)
			require.NoError(t, err)
			defer w.Abort()
			_, err = w.Write(want)
			require.NoError(t, err)
			made, err := w.Commit()
			assert.Empty(t, server.Uploads())
			if c.want != never {
				require.ErrorContains(t, err, c.want)
				assert.NotEmpty(t, storage.Hint(err))
				_, err = store.patient.Stat(t.Context(), store.bucket+"/a")
				require.ErrorIs(t, err, fs.ErrNotExist)
				return
			}
			require.NoError(t, err)
			stands, err := store.patient.Stat(t.Context(), store.bucket+"/a")
			require.NoError(t, err)
			assert.True(t, stands.SameVersion(made), "%+v, %+v", stands, made)
			assert.Equal(t, stands.Size, made.Size)
			got, err := store.patient.Get(t.Context(), store.bucket+"/a")
			require.NoError(t, err)
			assert.True(t, bytes.Equal(want, got))
		})
	}
}

// An upload that another program has aborted is made once more from what it is made of.
func TestS3UploadsAgainWhereAnUploadWasAborted(t *testing.T) {
	t.Parallel()
	store, server := startS3Server(t)
	want := noise(2 * store.chunk)
	server.Inject(storagetest.Fault{On: storagetest.Complete, Times: 2, Status: http.StatusNotFound, Code: "NoSuchUpload"})
	made, err := storage.WriteIf(t.Context(), store.patient, store.bucket+"/a", want, storage.IfAbsent())
	require.NoError(t, err)
	got, err := store.patient.Get(t.Context(), made.URI)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
	assert.Empty(t, server.Uploads())
	server.Inject(storagetest.Fault{On: storagetest.Complete, Status: http.StatusNotFound, Code: "NoSuchUpload"})
	require.ErrorContains(t, store.patient.Put(t.Context(), made.URI, want), "what was uploaded of it has gone")
	assert.Equal(t, 6, server.Count(storagetest.Complete))
}

// A bucket of another region than that of the environment is found there.
func TestS3FindsTheRegionOfABucket(t *testing.T) {
	server := storagetest.StartS3(t)
	t.Setenv("AWS_REGION", "eu-west-9")
	for _, operation := range []storagetest.Operation{storagetest.List, storagetest.Write} {
		store := storage.NewS3(storage.ObjectsOptions{Endpoint: server.URL, Retry: patience})
		server.Inject(storagetest.Fault{
			On: operation, Times: 1, Status: http.StatusMovedPermanently, Code: "PermanentRedirect",
			Header: http.Header{"X-Amz-Bucket-Region": {storagetest.S3Region}},
		})
		if operation == storagetest.List {
			_, err := store.Glob(t.Context(), server.Bucket+"/*")
			require.NoError(t, err)
		}
		want := noise(17 << 20)
		info := put(t, store, server.Bucket+"/a", want)
		got, err := io.ReadAll(io.NewSectionReader(open(t, store, info), 0, info.Size))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got))
		require.NoError(t, store.RemoveAll(t.Context(), info.URI))
	}
}

// Whatever ends an upload, its parts are not left behind.
func TestS3ForgetsUploads(t *testing.T) {
	t.Parallel()
	store, server := startS3Server(t)
	put(t, store.patient, store.bucket+"/a", nil)
	for name, end := range map[string]func(w storage.Writer, cancel func()){
		"aborted":   func(w storage.Writer, _ func()) { w.Abort() },
		"cancelled": func(w storage.Writer, cancel func()) { cancel(); w.Abort() },
		"refused": func(w storage.Writer, _ func()) {
			_, err := w.Commit()
			assert.ErrorIs(t, err, storage.ErrExists)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w, err := store.patient.Create(ctx, store.bucket+"/a", storage.IfAbsent())
			require.NoError(t, err)
			_, err = w.Write(noise(2 * store.chunk))
			require.NoError(t, err)
			assert.Equal(t, []string{"a"}, server.Uploads())
			end(w, cancel)
			assert.Empty(t, server.Uploads())
		})
	}
}

// What the service refuses is said in words of ours, with what to do.
func TestS3ExplainsRefusals(t *testing.T) {
	t.Parallel()
	store, server := startS3Server(t)
	info := put(t, store.patient, store.bucket+"/a", []byte("text"))
	cases := map[string]struct {
		status     int
		code       string
		header     http.Header
		want, hint string
		is         error
	}{
		"expired":       {http.StatusBadRequest, "ExpiredToken", nil, "ExpiredToken", "aws sso login", nil},
		"archive":       {http.StatusForbidden, "InvalidObjectState", nil, "InvalidObjectState", "restore it", nil},
		"clock":         {http.StatusForbidden, "RequestTimeTooSkewed", nil, "RequestTimeTooSkewed", "set the clock", nil},
		"forbidden":     {http.StatusForbidden, "AccessDenied", nil, "AccessDenied", "s3:GetObject", fs.ErrPermission},
		"who pays":      {http.StatusForbidden, "AccessDenied", nil, "AccessDenied", "AWS_REQUEST_PAYER=requester", fs.ErrPermission},
		"unknown key":   {http.StatusForbidden, "InvalidAccessKeyId", nil, "no usable credentials", "AWS_ACCESS_KEY_ID", nil},
		"wrong secret":  {http.StatusForbidden, "SignatureDoesNotMatch", nil, "no usable credentials", "AWS_ACCESS_KEY_ID", nil},
		"key of KMS":    {http.StatusBadRequest, "KMS.DisabledException", nil, "KMS.Disabled", "enable the key", nil},
		"no conditions": {http.StatusNotImplemented, "NotImplemented", nil, "NotImplemented", "conditional requests", nil},
		"other region": {
			http.StatusMovedPermanently, "PermanentRedirect", http.Header{"X-Amz-Bucket-Region": {"eu-west-3"}},
			"the bucket lake is in another region", "AWS_REGION=eu-west-3", nil,
		},
		"signed for another region": {
			http.StatusBadRequest, "AuthorizationHeaderMalformed", nil, "the bucket lake is in another region", "AWS_REGION", nil,
		},
	}
	for name, c := range cases {
		for _, operation := range []storagetest.Operation{storagetest.Read, storagetest.Write, storagetest.List, storagetest.Delete} {
			t.Run(name+" "+string(operation), func(t *testing.T) {
				client := storage.NewS3(storage.ObjectsOptions{Endpoint: server.URL, Retry: patience}) // which knows of no region
				store.Heal()
				store.Inject(storagetest.Fault{On: operation, Status: c.status, Code: c.code, Header: c.header})
				err := map[storagetest.Operation]func() error{
					storagetest.Read:   func() error { _, err := client.Get(t.Context(), info.URI); return err },
					storagetest.Write:  func() error { return client.Put(t.Context(), info.URI, nil) },
					storagetest.List:   func() error { _, err := client.Glob(t.Context(), store.bucket+"/*"); return err },
					storagetest.Delete: func() error { return client.RemoveAll(t.Context(), info.URI) },
				}[operation]()
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, store.bucket)
				assert.Contains(t, storage.Hint(err), c.hint)
				assert.False(t, failure.Of(err, failure.Storage).Retry)
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
				}
			})
		}
	}
}

// A service that says how long to wait is asked no earlier.
func TestS3WaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	store, _ := startS3Server(t)
	store.Inject(storagetest.Fault{
		On: storagetest.List, Times: 1, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}},
	})
	start := time.Now()
	_, err := store.patient.Glob(t.Context(), store.bucket+"/*")
	require.NoError(t, err)
	assert.GreaterOrEqual(t, time.Since(start), time.Second)
	assert.Equal(t, 2, store.Count(storagetest.List))
}

// The clock of this machine may be wrong: requests are signed with the time of the service, as far as that is known.
func TestS3WithAWrongClock(t *testing.T) {
	t.Parallel()
	store, _ := startS3Server(t)
	store.Inject(storagetest.Fault{
		On: storagetest.List, Times: 1, Status: http.StatusForbidden, Code: "RequestTimeTooSkewed",
		Header: http.Header{"Date": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}},
	})
	_, err := store.patient.Glob(t.Context(), store.bucket+"/*")
	require.NoError(t, err)
	assert.Equal(t, 3, store.Count(storagetest.List), "with the time of the proxy, which was wrong, and with that of the server")
}

func TestS3CopiesByItself(t *testing.T) {
	bucket, server := storagetest.FakeS3(t)
	ctx := t.Context()
	want := noise(6 << 20)
	put := func(uri string, data []byte) storage.Info {
		require.NoError(t, storage.Put(ctx, uri, data))
		info, err := storage.Stat(ctx, uri)
		require.NoError(t, err)
		return info
	}
	for name, data := range map[string][]byte{"a+b č/%20 c": want, "small": want[:10], "empty": nil} {
		info := put(bucket+"/from/"+name, data)
		reads := server.Count(storagetest.Read)
		made, err := storage.Copy(ctx, info, bucket+"/to/"+name, storage.IfAbsent())
		require.NoError(t, err, name)
		assert.Equal(t, reads, server.Count(storagetest.Read), "no bytes pass through this process")
		stands, err := storage.Stat(ctx, made.URI)
		require.NoError(t, err)
		assert.True(t, stands.SameVersion(made), "%+v, %+v", stands, made)
		assert.EqualValues(t, len(data), stands.Size)
		store, err := storage.For(made.URI)
		require.NoError(t, err)
		got, err := store.Get(ctx, made.URI)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(data, got))

		_, err = storage.Copy(ctx, info, made.URI, storage.IfAbsent())
		require.ErrorIs(t, err, storage.ErrExists, name)
		server.Inject(storagetest.Fault{On: storagetest.Complete, Times: 1, Lose: true})
		made, err = storage.Copy(ctx, info, made.URI, storage.IfUnchanged(made))
		require.NoError(t, err, name)
		put(made.URI, []byte("others"))
		_, err = storage.Copy(ctx, info, made.URI, storage.IfUnchanged(made))
		require.ErrorIs(t, err, storage.ErrChanged, name)
		put(info.URI, []byte("other text"))
		_, err = storage.Copy(ctx, info, made.URI, storage.Any())
		require.ErrorIs(t, err, storage.ErrChanged, name)
		require.NoError(t, storage.Remove(ctx, info.URI))
		_, err = storage.Copy(ctx, info, made.URI, storage.Any())
		require.ErrorIs(t, err, fs.ErrNotExist, name)
		server.Heal()
	}
	uploads, err := storage.FindUnfinished(ctx, bucket+"/to")
	require.NoError(t, err)
	assert.Empty(t, uploads)
}

func TestS3WithoutCredentials(t *testing.T) {
	bucket, server := storagetest.FakeS3(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "missing"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "missing"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, err := storage.NewS3(storage.ObjectsOptions{}).Glob(t.Context(), bucket+"/*.parquet")
	require.ErrorContains(t, err, "no usable credentials for S3")
	assert.True(t, failure.New(failure.Source, "%w", err).Environment)
	assert.Contains(t, storage.Hint(err), "AWS_PROFILE")
	assert.Zero(t, server.Count(storagetest.List))

	t.Setenv("AWS_ENDPOINT_URL", "")
	t.Setenv("AWS_REGION", "")
	_, err = storage.NewS3(storage.ObjectsOptions{}).Glob(t.Context(), bucket+"/*.parquet")
	require.ErrorContains(t, err, "the region of S3 is not known")
	assert.Contains(t, storage.Hint(err), "AWS_REGION")
}

// Keys are raw: nothing in them is decoded, joined or left out on the way to the service.
func TestS3SendsKeysAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"a//b", "a/../b", "./a", "a%2Fb", "a+b c", "/a"} {
		store, _ := startS3Server(t)
		store.Inject(storagetest.Fault{On: storagetest.Write, Name: key, Status: http.StatusForbidden})
		require.ErrorIs(t, store.patient.Put(t.Context(), store.bucket+"/"+key, nil), fs.ErrPermission, key)
	}
}

// Without any credentials, what everybody may read is read when that is asked for.
func TestS3PublicBucket(t *testing.T) {
	server := storagetest.StartS3(t)
	want := noise(1 << 20)
	server.CreateObject("lake/a.parquet", want)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_NO_SIGN_REQUEST": "YES", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "missing"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "missing"),
	} {
		t.Setenv(name, value)
	}
	store := storage.NewS3(storage.ObjectsOptions{Endpoint: server.URL, Retry: patience})
	_, err := store.Glob(t.Context(), server.Bucket+"/lake/*")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Contains(t, storage.Hint(err), "unset AWS_NO_SIGN_REQUEST")

	server.MakePublic()
	found, err := store.Glob(t.Context(), server.Bucket+"/lake/*")
	require.NoError(t, err)
	require.Len(t, found, 1)
	got, err := io.ReadAll(io.NewSectionReader(open(t, store, found[0]), 0, found[0].Size))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
	_, err = store.Stat(t.Context(), server.Bucket+"/lake/missing")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, store.Put(t.Context(), server.Bucket+"/lake/b", nil), fs.ErrPermission)

	t.Setenv("AWS_NO_SIGN_REQUEST", "no")
	_, err = store.Glob(t.Context(), server.Bucket+"/lake/*")
	require.ErrorContains(t, err, "no usable credentials")
	assert.Contains(t, storage.Hint(err), "AWS_NO_SIGN_REQUEST=yes")
}
