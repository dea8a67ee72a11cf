//go:build stores

package storage_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// startAzure returns an account, and clients of it with small limits.
func startAzure(t *testing.T) objectStore {
	store, _ := startAzureServer(t)
	return store
}

func startAzureServer(t *testing.T) (objectStore, *storagetest.Azure) {
	server := storagetest.StartAzure(t)
	options := storage.ObjectsOptions{Endpoint: server.Connection, ReadAhead: 2 << 20, Chunk: 256 << 10}
	const silence = 3 * time.Second // the server is one thread for all tests
	return objectStore{
		objectServer: server, scheme: "az://", bucket: server.Bucket,
		clients: newClients(silence, func(retry storage.Retry) storage.Store {
			options.Retry = retry
			return storage.WithPages(storage.NewAzure(options), 1000)
		}),
		begin: 0, called: "container", chunk: options.Chunk,
		completing: []storagetest.Operation{storagetest.Write, storagetest.Complete},
		status:     "status of Azure", signOn: "az login",
	}, server
}

func TestAzure(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) {
		server := storagetest.StartAzure(t)
		return storage.NewAzure(storage.ObjectsOptions{Endpoint: server.Connection}), server.Place + "/some/folder"
	})
}

func TestAzureWithSmallWindows(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) {
		server := startAzure(t)
		return server.patient, server.bucket + "/some/folder"
	})
}

func TestAzureObjects(t *testing.T) {
	t.Parallel()
	runObjects(t, startAzure)
}

func TestAzureReaderLeavesNothingRunning(t *testing.T) { testReaderLeavesNothingRunning(t, startAzure) }

func TestAzureIsOnePlaceByAnyName(t *testing.T) {
	t.Parallel()
	store, server := startAzureServer(t)
	put(t, store.patient, server.Bucket+"/a b/%20+č", []byte("text"))
	for _, uri := range []string{
		server.Bucket + "/a b/%20+č",
		server.Place + "/a b/%20+č",
		"abfss://" + server.Container + "@" + storagetest.AzureAccount + ".blob.core.windows.net/a b/%20+č",
		"https://" + storagetest.AzureAccount + ".blob.core.windows.net/" + server.Container + "/a%20b/%2520+%C4%8D",
		"https://" + storagetest.AzureAccount + ".dfs.core.windows.net/" + server.Container + "/a b/%2520+č",
	} {
		data, err := store.patient.Get(t.Context(), uri)
		require.NoError(t, err, uri)
		assert.Equal(t, "text", string(data), uri)
	}
	found, err := store.patient.Glob(t.Context(), "https://"+storagetest.AzureAccount+".blob.core.windows.net/"+server.Container+"/*%20b/*")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, server.Place+"/a b/%20+č", found[0].URI)
}

// Accounts with a hierarchical namespace list their directories, which hold what is in them.
func TestAzureKnowsFolders(t *testing.T) {
	t.Parallel()
	store, server := startAzureServer(t)
	server.CreateFolder("lake")
	server.CreateFolder("lake/day=1")
	server.CreateFolder("lake/day=1/sub.parquet")
	put(t, store.patient, store.bucket+"/lake/day=1/a.parquet", []byte("a"))
	found, err := store.patient.Glob(t.Context(), store.bucket+"/**")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, store.bucket+"/lake/day=1/a.parquet", found[0].URI)
	for _, folder := range []string{"lake", "lake/day=1", "lake/day=1/sub.parquet"} {
		info, err := store.patient.Stat(t.Context(), store.bucket+"/"+folder)
		require.NoError(t, err, folder)
		assert.True(t, info.Folder, folder)
	}
	folders, err := store.patient.Folders(t.Context(), store.bucket+"/lake")
	require.NoError(t, err)
	assert.Equal(t, []string{"day=1"}, folders)

	server.Inject(storagetest.Fault{On: storagetest.Delete, Name: "day=1", Skip: 2, Times: 1, Status: http.StatusConflict, Code: "DirectoryIsNotEmpty"})
	require.NoError(t, store.patient.RemoveAll(t.Context(), store.bucket+"/lake"), "somebody put something there")
	listed, err := store.patient.List(t.Context(), store.bucket)
	require.NoError(t, err)
	require.Len(t, listed, 1, "what is in folders is removed before them")
	assert.Equal(t, store.bucket+"/lake/day=1", listed[0].URI)
	server.Heal()
	require.NoError(t, store.patient.RemoveAll(t.Context(), store.bucket+"/lake"))
	_, err = store.patient.Stat(t.Context(), store.bucket+"/lake")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A service that says how long it wants to be left alone is, even where a pause would be shorter.
func TestAzureWaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	store := startAzure(t)
	for operation, attempt := range operations(t, store.patient, store.patient, store.bucket) {
		store.Inject(storagetest.Fault{
			On: operation, Times: 1, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}},
		})
		start := time.Now()
		require.NoError(t, attempt(), operation)
		assert.GreaterOrEqual(t, time.Since(start), time.Second, operation)
	}
}

func TestAzureVerifiesTheChecksumOfBlocks(t *testing.T) {
	t.Parallel()
	store := startAzure(t)
	w, err := store.patient.Create(t.Context(), store.bucket+"/a", storage.Any())
	require.NoError(t, err)
	defer w.Abort()
	_, err = w.Write(noise(4 * store.chunk))
	require.NoError(t, err)
	info, err := w.Commit()
	require.NoError(t, err)
	store.Inject(storagetest.Fault{On: storagetest.Read, Times: 1, Cut: true, After: 70_000})
	store.Inject(storagetest.Fault{On: storagetest.Read, Times: 1, Spoil: true})
	_, err = open(t, store.patient, info).WriteTo(io.Discard)
	require.ErrorContains(t, err, "checksum")
}

// A request to make a blob of blocks that is refused leaves nothing, and what stood there.
func TestAzureShowsNoBlocks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault storagetest.Fault
		said  string
	}{
		"unavailable":         {storagetest.Fault{Status: http.StatusServiceUnavailable}, "503 ServerBusy"},
		"the blocks are gone": {storagetest.Fault{Status: http.StatusBadRequest, Code: "InvalidBlockList"}, "another program wrote the blob"},
		"a lease":             {storagetest.Fault{Status: http.StatusPreconditionFailed, Code: "LeaseIdMissing"}, "a lease on the blob"},
		"silent":              {storagetest.Fault{}, "did not recover"},
	} {
		t.Run(name, func(t *testing.T) {
			store := startAzure(t)
			put(t, store.patient, store.bucket+"/a", []byte("as before"))
			c.fault.On = storagetest.Complete
			client := store.impatient
			if c.fault.Status == 0 { // it does not answer before the test has ended, and does nothing then
				ended := make(chan struct{})
				t.Cleanup(func() { close(ended) })
				c.fault.Before, c.fault.Status = func() { <-ended }, http.StatusServiceUnavailable
				client = store.hasty
			}
			store.Inject(c.fault)
			w, err := client.Create(t.Context(), store.bucket+"/a", storage.Any())
			require.NoError(t, err)
			defer w.Abort()
			_, err = w.Write(noise(4 * store.chunk))
			require.NoError(t, err)
			_, err = w.Commit()
			require.ErrorContains(t, err, store.bucket+"/a")
			require.ErrorContains(t, err, c.said)
			require.NotErrorIs(t, err, storage.ErrChanged)
			assert.NotEmpty(t, storage.Hint(err))
			data, err := store.patient.Get(t.Context(), store.bucket+"/a")
			require.NoError(t, err)
			assert.Equal(t, "as before", string(data))
		})
	}
}

// A block whose answer was lost is sent again, and counts once.
func TestAzureSendsABlockAgain(t *testing.T) {
	t.Parallel()
	store := startAzure(t)
	want := noise(4 * store.chunk)
	store.Inject(storagetest.Fault{On: storagetest.Write, Skip: 1, Times: 2, Lose: true})
	w, err := store.patient.Create(t.Context(), store.bucket+"/a", storage.IfAbsent())
	require.NoError(t, err)
	defer w.Abort()
	_, err = w.Write(want)
	require.NoError(t, err)
	_, err = w.Commit()
	require.NoError(t, err)
	got, err := store.patient.Get(t.Context(), store.bucket+"/a")
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
}

// A deletion whose answer was lost is not there the second time.
func TestAzureKnowsItsOwnRemovalAgain(t *testing.T) {
	t.Parallel()
	store := startAzure(t)
	put(t, store.patient, store.bucket+"/run/a", []byte("a"))
	store.Inject(storagetest.Fault{On: storagetest.Delete, Times: 1, Lose: true})
	require.NoError(t, store.patient.RemoveAll(t.Context(), store.bucket+"/run"))
	_, err := store.patient.Stat(t.Context(), store.bucket+"/run")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestAzureExplainsRefusals(t *testing.T) {
	t.Parallel()
	store, server := startAzureServer(t)
	for code, c := range map[string]struct {
		status     int
		said, hint string
	}{
		"AuthorizationPermissionMismatch": {http.StatusForbidden, "permission denied", "Storage Blob Data Reader on the container " + server.Container},
		"AuthorizationFailure":            {http.StatusForbidden, "permission denied", "firewall"},
		"AuthenticationFailed":            {http.StatusForbidden, "permission denied", "check the key"},
		"BlobArchived":                    {http.StatusConflict, "archive tier", "rehydrate"},
		"SnapshotsPresent":                {http.StatusConflict, "snapshots", "remove its snapshots"},
		"InvalidQueryParameterValue":      {http.StatusBadRequest, "400 InvalidQueryParameterValue", ""},
	} {
		server.Heal()
		server.Inject(storagetest.Fault{On: storagetest.List, Status: c.status, Code: code})
		_, err := store.patient.Glob(t.Context(), store.bucket+"/*")
		require.ErrorContains(t, err, store.bucket+"/*", code)
		require.ErrorContains(t, err, c.said, code)
		assert.Contains(t, storage.Hint(err), c.hint, code)
		assert.NotContains(t, err.Error(), "\n", code)
		assert.False(t, failure.Of(err, failure.Storage).Retry, code)
	}
}

func TestAzureWithAWrongClock(t *testing.T) {
	t.Parallel()
	store := startAzure(t)
	store.Inject(storagetest.Fault{On: storagetest.List, Status: http.StatusForbidden, Code: "AuthenticationFailed", Header: http.Header{
		"Date": {time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)},
	}})
	_, err := store.patient.Glob(t.Context(), store.bucket+"/*")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Contains(t, storage.Hint(err), "set the clock of this machine")
}

// Another program that writes the blob while it is uploaded has the service forget the blocks: whoever writes last wins all the
// same, unless the condition does not hold any more.
func TestAzureUploadsAgainWhereAnotherProgramWrote(t *testing.T) {
	bucket, server := storagetest.FakeAzure(t)
	want := noise(9 << 20)
	path, uri := filepath.Join(t.TempDir(), "file"), bucket+"/a"
	require.NoError(t, os.WriteFile(path, want, 0o600))
	local, err := storage.Stat(t.Context(), path)
	require.NoError(t, err)
	store, err := storage.For(uri)
	require.NoError(t, err)
	ways := map[string]func(storage.Condition) error{
		"Upload": func(c storage.Condition) error { _, err := storage.Upload(t.Context(), path, uri, c); return err },
		"Copy":   func(c storage.Condition) error { _, err := storage.Copy(t.Context(), local, uri, c); return err },
		"WriteIf": func(c storage.Condition) error {
			_, err := storage.WriteIf(t.Context(), store, uri, want, c)
			return err
		},
	}
	for way, write := range ways {
		for name, c := range map[string]struct {
			condition func(stands storage.Info) storage.Condition
			times     int  // that the blocks are forgotten
			others    bool // by another program that writes the blob, else by themselves
			is        error
			said      string
		}{
			"once":                {func(storage.Info) storage.Condition { return storage.Any() }, 1, true, nil, ""},
			"always":              {func(storage.Info) storage.Condition { return storage.Any() }, 0, true, nil, "another program wrote the blob meanwhile"},
			"replaced":            {storage.IfUnchanged, 1, true, storage.ErrChanged, ""},
			"gone, not replaced":  {storage.IfUnchanged, 1, false, nil, ""},
			"made by the others":  {func(storage.Info) storage.Condition { return storage.IfAbsent() }, 1, true, storage.ErrExists, ""},
			"twice, not replaced": {storage.IfUnchanged, 2, false, nil, ""},
		} {
			server.Heal()
			stands := put(t, store, uri, []byte("as before"))
			condition := c.condition(stands)
			if c.is == storage.ErrExists { //nolint:errorlint // it is none that was returned
				require.NoError(t, storage.Remove(t.Context(), uri))
			}
			server.Inject(storagetest.Fault{
				On: storagetest.Complete, Times: c.times, Status: http.StatusBadRequest, Code: "InvalidBlockList", Before: func() {
					if c.others {
						assert.NoError(t, storage.Put(t.Context(), uri, []byte("of others")))
					}
				},
			})
			before, failed := server.Count(storagetest.Complete), c.is != nil || c.said != ""
			err := write(condition)
			stood, getErr := store.Get(t.Context(), uri)
			require.NoError(t, getErr)
			if !failed {
				require.NoError(t, err, way+name)
				assert.True(t, bytes.Equal(want, stood), way+name)
				continue
			}
			require.Error(t, err, way+name)
			assert.Equal(t, "of others", string(stood), way+name)
			if c.is != nil {
				require.ErrorIs(t, err, c.is, way+name)
				assert.Equal(t, 1, server.Count(storagetest.Complete)-before, "a condition that is broken stays so")
				continue
			}
			require.ErrorContains(t, err, c.said, way+name)
			assert.Contains(t, storage.Hint(err), "nothing else writes there", way+name)
			assert.Equal(t, 3, server.Count(storagetest.Complete)-before, way+name)
		}
	}
}

func TestAzureListsThousandsOfPages(t *testing.T) {
	t.Parallel()
	server := storagetest.StartAzure(t)
	const blobs = 2000
	var group errgroup.Group
	group.SetLimit(16)
	for i := range blobs {
		group.Go(func() error {
			server.CreateObject(fmt.Sprintf("many/%04d.parquet", i), nil)
			return nil
		})
	}
	require.NoError(t, group.Wait())
	found, err := storage.WithPages(storage.NewAzure(storage.ObjectsOptions{Endpoint: server.Connection}), 1).Glob(t.Context(), server.Bucket+"/many/*")
	require.NoError(t, err)
	require.Len(t, found, blobs)
	for i, info := range found {
		require.Equal(t, fmt.Sprintf("%s/many/%04d.parquet", server.Bucket, i), info.URI)
	}
	assert.GreaterOrEqual(t, server.Count(storagetest.List), blobs)
}
