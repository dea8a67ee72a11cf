package config

// ReportConfig is which values of the loaded columns a report tells: of each the least and the greatest, which may be personal
// data. How many values there are, and how many rows, it tells in any case.
type ReportConfig struct {
	// TextValues has it tell those of columns of text, too. Default: false.
	TextValues bool `yaml:"text_values"`

	// Hide names columns of which it tells none, whatever their type: by their names in the extract or the source, in every
	// table that has one, or only in TABLE.COLUMN or SCHEMA.TABLE.COLUMN. Default: none.
	Hide []string `yaml:"hide"`
}
