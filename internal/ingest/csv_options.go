package ingest

import (
	"slices"

	"hyperlake/internal/failure"
)

// CSVOptions are what is known of CSV files before they are read. What is left out is as RFC 4180 has it.
type CSVOptions struct {
	URI         []string // of files, or globs of them
	Header      bool     // the first line of each file names its columns; else Names does
	Names       []string // of the columns, only without Header
	Delimiter   string   // one ASCII character; "" is a comma
	Quote       string   // one ASCII character, or none; "" is a double quote
	Encoding    string   // as IANA names it; "" is UTF-8
	Null        []string // texts that are NULL where they are not quoted; nil is the empty one
	Compression string   // auto, gzip, zstd or none; "" is auto, by the first bytes of a file and by its name
}

const noQuote = "none"

// csvDialect is by what bytes a text is cut into values.
type csvDialect struct {
	delimiter, quote byte
	quotes           bool
}

func (o CSVOptions) dialect() csvDialect {
	d := csvDialect{delimiter: ',', quote: '"', quotes: o.Quote != noQuote}
	if o.Delimiter != "" {
		d.delimiter = o.Delimiter[0]
	}
	if d.quotes && o.Quote != "" {
		d.quote = o.Quote[0]
	}
	return d
}

func (o CSVOptions) nulls() [][]byte {
	if o.Null == nil {
		return [][]byte{{}}
	}
	nulls := make([][]byte, len(o.Null))
	for i, text := range o.Null {
		nulls[i] = []byte(text)
	}
	return nulls
}

// Check says what cannot be meant, as a failure of kind Config, before a file is looked at.
func (o CSVOptions) Check() error {
	switch {
	case o.Header && len(o.Names) > 0:
		return failure.New(failure.Config, "csv: names are of files without a header").WithHint("say header: false, or leave names out")
	case !o.Header && len(o.Names) == 0:
		return failure.New(failure.Config, "csv: files without a header need names").WithHint("list the columns, such as names: [id, amount]")
	case o.Delimiter != "" && !isMark(o.Delimiter):
		return failure.New(failure.Config, "csv: delimiter %q is not one ASCII character", o.Delimiter).
			WithHint(`write it like delimiter: ";", or "\t" for tabs`)
	case o.Quote != "" && o.Quote != noQuote && !isMark(o.Quote):
		return failure.New(failure.Config, "csv: quote %q is not one ASCII character", o.Quote).
			WithHint(`write it like quote: "'", or quote: none where quotes mean nothing`)
	case o.dialect().quotes && o.dialect().delimiter == o.dialect().quote:
		return failure.New(failure.Config, "csv: delimiter and quote are the same").WithHint("change one of them")
	}
	if err := checkNames(o.Names, "csv: names"); err != nil {
		return failure.New(failure.Config, "%w", err)
	}
	if _, err := encodingOf(o.Encoding); err != nil {
		return err
	}
	return checkCompression(o.Compression)
}

// isMark says whether a text is one ASCII character that does not end lines.
func isMark(text string) bool {
	return len(text) == 1 && text[0] < 0x80 && text[0] != '\n' && text[0] != '\r' && text[0] != 0
}

func checkCompression(name string) error {
	if slices.Contains([]string{"", "auto", "gzip", "zstd", "none"}, name) {
		return nil
	}
	return failure.New(failure.Config, "compression is %q", name).WithHint("compression is auto, gzip, zstd or none")
}
