package config

import "hyperlake/internal/ingest"

// IngestXLSX says which workbooks there are, and where in them the rows stand.
type IngestXLSX struct {
	// URI holds globs of the files, absolute or remote: at least one, none twice. Required.
	URI Globs `yaml:"uri"`

	// Sheet is the name of the sheet that is read of every file. Default: the first that is visible.
	Sheet string `yaml:"sheet" json:",omitempty"`

	// Header is the row, from 1, that names the columns; the rows begin below it. Default: 1, unless there are Names.
	Header int `yaml:"header" json:",omitempty"`

	// Names are those of the columns from A on, of sheets without a header.
	Names []string `yaml:"names" json:",omitempty"`

	// Null are texts of cells, and names of errors such as #N/A, that are NULL. Default: none; a cell that is empty is NULL anyway.
	Null []string `yaml:"null" json:",omitempty"`
}

func (c *Config) checkXLSX(key string, xlsx *IngestXLSX) error {
	switch {
	case c.Written(key+".header") && xlsx.Header < 1:
		return c.Problem(key+".header", "%s.header must be the number of a row, from 1; if the sheet has no header, say names", key)
	case xlsx.Header != 0 && len(xlsx.Names) > 0:
		return c.Problem(key+".names", "%s.names are of sheets without a header; leave header or names out", key)
	case c.Written(key+".sheet") && xlsx.Sheet == "":
		return c.Problem(key+".sheet", "%s.sheet is empty; give it the name of a sheet, or leave the key out for the first that is visible", key)
	}
	if err := xlsx.Options().Check(); err != nil {
		return c.problemOf(key, key, err)
	}
	return nil
}

// Options are what reads the files.
func (x *IngestXLSX) Options() ingest.XLSXOptions {
	return ingest.XLSXOptions{URI: x.URI, Sheet: x.Sheet, Header: int64(x.Header), Names: x.Names, Null: x.Null}
}
