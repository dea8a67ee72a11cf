package storage_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// Many readers share a client while every second request meets some trouble.
func testReadsTheSameBytesInAnyTrouble(t *testing.T, start starter) {
	server := start(t)
	store := server.alert
	want := noise(4 << 20)
	info := put(t, server.patient, server.bucket+"/a", want)
	random := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		fault := storagetest.Fault{On: storagetest.Read, Times: 1, Skip: random.IntN(3)}
		switch kind := random.IntN(30); {
		case kind == 0:
			fault.Pause = time.Minute
		case kind < 13:
			fault.Status = 503
		default:
			fault.Cut, fault.After = true, random.Int64N(300_000)
		}
		server.Inject(fault)
	}
	var readers errgroup.Group
	for seed := range uint64(6) {
		readers.Go(func() error { return readRandomRanges(t, store, info, want, rand.New(rand.NewPCG(seed, 7))) })
	}
	require.NoError(t, readers.Wait())
}

func readRandomRanges(t *testing.T, store storage.Store, info storage.Info, want []byte, random *rand.Rand) error {
	r, err := store.Open(t.Context(), info)
	if err != nil {
		return err
	}
	defer r.Close()
	for range 4 {
		ranges := make([]storage.Range, 1+random.IntN(6))
		for i := range ranges {
			start := random.Int64N(info.Size)
			ranges[i] = storage.Range{Start: start, Length: random.Int64N(info.Size - start)}
		}
		r.Prepare(ranges)
		var columns errgroup.Group
		for _, span := range ranges {
			columns.Go(func() error {
				got, err := io.ReadAll(io.NewSectionReader(r, span.Start, span.Length))
				if err == nil && !bytes.Equal(want[span.Start:span.Start+span.Length], got) {
					err = fmt.Errorf("other bytes in %v", span)
				}
				return err
			})
		}
		if err := columns.Wait(); err != nil {
			return err
		}
	}
	return nil
}
