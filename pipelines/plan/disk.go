package plan

const (
	// systemBytes is the part of a worker's disk that is taken before it begins: by the
	// system, the image, which holds hyperd, the program, and logs.
	systemBytes = 30 << 30

	// Growth is how many bytes of extract come of a byte of Parquet, at most as a rule:
	// 1.4 were measured for lineitem, and files that compress better grow more.
	Growth = 2
)

// DiskLoad is what a worker has to do with its disk.
type DiskLoad struct {
	Lake  int64 // bytes of Parquet to read, as stored
	Spool int64 // bytes of segments and copies of files at most
}

// Bytes is the size of disk that a worker needs, whichever worker merges. Nobody knows
// which part of the rows one bundle gets, so the partial that it writes may be as large as
// all of them. The merge has all partials and the extract that it makes of them. A tenth is
// added, for this is an estimate.
func (l DiskLoad) Bytes() int64 {
	extract := Growth * l.Lake
	load, merge := l.Spool+extract, 2*extract
	need := max(load, merge)
	return systemBytes + need + need/10
}

// DiskLoad is that of a run of the plan, whose workers have spools of so many bytes.
func (p *Plan) DiskLoad(spoolBytes int64) DiskLoad {
	load := DiskLoad{Spool: spoolBytes}
	for _, table := range p.Tables {
		load.Lake += table.BytesToRead()
	}
	return load
}
