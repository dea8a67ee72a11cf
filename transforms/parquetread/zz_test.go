package parquetread

import (
	"context"
	"syscall"
	"fmt"
	"os"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	pqfile "github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
)

const li = "/tmp/pqread/li/lineitem/lineitem.1.parquet"

func BenchmarkPqarrow(b *testing.B) {
	for _, buffered := range []int64{0, 16 << 10, 64 << 10, 256<<10} {
		b.Run(fmt.Sprint(buffered), func(b *testing.B) {
			b.ReportAllocs(); c0:=cpu()
			for range b.N {
				f, _ := os.Open(li)
				props := parquet.NewReaderProperties(memory.DefaultAllocator)
				props.BufferedStreamEnabled = buffered > 0
				if buffered > 0 {
					props.BufferSize = buffered
				}
				r, err := pqfile.NewParquetReader(f, pqfile.WithReadProps(props))
				if err != nil {
					b.Fatal(err)
				}
				fr, _ := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 65536}, memory.DefaultAllocator)
				rows := 0
				for rg := range r.NumRowGroups() {
					left := r.RowGroup(rg).NumRows()
					var readers []*pqarrow.ColumnReader
					for i := range 16 {
						cr, err := fr.GetFieldReader(context.Background(), i, map[int]bool{i: true}, []int{rg})
						if err != nil {
							b.Fatal(err)
						}
						readers = append(readers, cr)
					}
					for left > 0 {
						n := 0
						for _, cr := range readers {
							c, err := cr.NextBatch(65536)
							if err != nil {
								b.Fatal(err)
							}
							n = c.Len()
						}
						rows += n
						left -= int64(n)
					}
				}
				f.Close()
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s"); b.ReportMetric((cpu()-c0)/float64(b.N),"cpu-s/op")
			}
		})
	}
}

func BenchmarkOwn(b *testing.B) {
	ctx := context.Background()
	info, _ := storage.Local{}.Stat(ctx, li)
	f, err := ReadFooter(ctx, info)
	if err != nil {
		b.Fatal(err)
	}
	var t Table
	for _, fd := range f.Schema.Fields() {
		t.Columns = append(t.Columns, fd.Name)
	}
	for _, dec := range []int{1, 2} {
		for _, ra := range []int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("dec%d/%dk", dec, ra>>10), func(b *testing.B) {
				b.ReportAllocs(); c0:=cpu()
				rows := int64(0)
				for range b.N {
					err := readShard(ctx, Shard{Files: []FileRef{{info, f.RowGroups}}}, t, func(x batch.Batch) error { rows += x.Record.NumRows(); return nil }, settings{dec, ra})
					if err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s"); b.ReportMetric((cpu()-c0)/float64(b.N),"cpu-s/op")
			})
		}
	}
}
func cpu() float64 { var u syscall.Rusage; _ = syscall.Getrusage(0,&u); return float64(u.Utime.Sec+u.Stime.Sec)+float64(u.Utime.Usec+u.Stime.Usec)/1e6 }
