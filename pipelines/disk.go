package pipelines

const (
	// systemBytes is the part of a worker's disk that is taken before it begins: by the
	// system, the image, which holds hyperd, the program, and logs.
	systemBytes = 30 << 30

	// growth is how many bytes of extract come of a byte of Parquet, at most as a rule:
	// 1.4 were measured for lineitem, and files that compress better grow more.
	growth = 2
)

// diskLoad is what a worker has to do with its disk.
type diskLoad struct {
	lake  int64 // bytes of Parquet to read, as stored
	spool int64 // bytes of segments and copies of files at most
}

// bytes is the size of disk that a worker needs, whichever worker merges. Nobody knows
// which part of the rows one bundle gets, so the partial that it writes may be as large as
// all of them. The merge has all partials and the extract that it makes of them. A tenth is
// added, for this is an estimate.
func (l diskLoad) bytes() int64 {
	extract := growth * l.lake
	load, merge := l.spool+extract, 2*extract
	need := max(load, merge)
	return systemBytes + need + need/10
}

// diskLoad is that of the plan.
func (p *Plan) diskLoad(spoolBytes int64) diskLoad {
	load := diskLoad{spool: spoolBytes}
	for _, table := range p.Tables {
		load.lake += table.bytesToRead()
	}
	return load
}
