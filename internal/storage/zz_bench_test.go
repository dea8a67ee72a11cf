package storage_test

import (
	"io"
	"sync"
	"testing"
	"time"
	"runtime"
	"os"
	"path/filepath"
	"fmt"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

func TestZZBench(t *testing.T) {
	server := storagetest.StartGCS(t)
	store := storage.NewGCS(storage.GCSOptions{Endpoint: server.URL})
	const size = 256 << 20
	data := noise(size)
	s := time.Now()
	file := filepath.Join(t.TempDir(), "f")
	os.WriteFile(file, data, 0o600)
	server.CreateObject("a", data)
	info, _ := store.Stat(t.Context(), server.Bucket+"/a")
	t.Log("put", time.Since(s))
	for _, cols := range []int64{1, 16, 100} {
		r, _ := store.Open(t.Context(), info)
		var ranges []storage.Range
		for i := range cols {
			ranges = append(ranges, storage.Range{Start: size / cols * i, Length: size / cols})
		}
		before := server.Count(storagetest.Read)
		runtime.GC()
		s = time.Now()
		r.Prepare(ranges)
		var peak uint64
		var wg sync.WaitGroup
		for _, x := range ranges {
			wg.Go(func() {
				buf := make([]byte, 64<<10)
				sec := io.NewSectionReader(r, x.Start, x.Length)
				for {
					_, err := sec.Read(buf)
					if err != nil {
						if err != io.EOF { t.Error(err) }
						return
					}
				}
			})
		}
		wg.Wait()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = m.HeapSys
		t.Log(cols, "columns", time.Since(s), fmt.Sprintf("%.0f MB/s", size/1e6/time.Since(s).Seconds()), "requests", server.Count(storagetest.Read)-before, "heapsys MB", peak>>20)
		r.Close()
	}
	s = time.Now()
	for i := range 10000 {
		server.CreateObject(fmt.Sprintf("many/%05d.parquet", i), []byte("x"))
	}
	t.Log("10k objects made", time.Since(s))
	s = time.Now()
	found, err := store.Glob(t.Context(), server.Bucket+"/many/*.parquet")
	t.Log("glob", len(found), err, time.Since(s))
}
