package starter

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/transforms/parquetread"
)

// addAll looks at every column of the source.
func (s *starter) addAll() {
	summaries := map[string]*parquetread.ColumnSummary{}
	for _, summary := range parquetread.Summarize(s.src.Footers) {
		if summaries[summary.Field.Name] == nil {
			summaries[summary.Field.Name] = &summary
		}
	}
	for i, field := range s.src.Schema.Fields() {
		if i < len(s.src.Columns) {
			s.add(field, summaries[field.Name], &s.src.Columns[i])
		} else {
			s.add(field, summaries[field.Name], nil)
		}
	}
}

// text is the configuration.
func (s *starter) text() string {
	var b strings.Builder
	var groups, rows, bytes int64
	for _, footer := range s.src.Footers {
		groups += int64(len(footer.RowGroups))
		rows += footer.Rows
		bytes += footer.Info.Size
	}
	writeEditorLines(&b)
	fmt.Fprintf(&b, "# Made by `hyperlake init` from the footers of the files: %s, %s, %s, %s.\n",
		words.Count(int64(len(s.src.Footers)), "file"), words.Count(groups, "row group"), words.Count(rows, "row"), humanize.Bytes(uint64(bytes)))
	if version := s.src.Version(); version != nil {
		fmt.Fprintf(&b, "# They are the %s.\n", comment(version.String()))
	}
	fmt.Fprintf(&b, "# `hyperlake plan` shows what a run of it would do; `hyperlake run` builds the extract.\n")
	fmt.Fprintf(&b, "name: %s\noutput:\n  path: %s\n", config.Scalar(s.name), config.Scalar(s.name+".hyper"))
	fmt.Fprintf(&b, "tables:\n  - name: Extract\n    schema: Extract\n    source:\n      uri: %s\n", config.Scalar(s.glob))
	s.writeSource(&b)
	s.writeColumns(&b)
	s.writeRules(&b)
	writePublish(&b, s.name)
	return b.String()
}

// writeEditorLines writes what editors know a configuration by.
func writeEditorLines(b *strings.Builder) {
	fmt.Fprintf(b, "# yaml-language-server: $schema=%s\n", config.SchemaFile)
	fmt.Fprintf(b, "# The line above is for editors: `hyperlake schema > %s` makes the file that it names.\n", config.SchemaFile)
}

// writeSource writes what of the source is loaded.
func (s *starter) writeSource(b *strings.Builder) {
	for _, note := range s.notes {
		fmt.Fprintf(b, "      # left out: %s\n", comment(note))
	}
	for _, warning := range s.src.Warnings {
		fmt.Fprintf(b, "      # warning: %s\n", comment(warning))
	}
	if s.format != config.FormatAuto {
		fmt.Fprintf(b, "      format: %s\n", s.format)
	}
	if s.any(func(c starterColumn) bool { return c.sql == "" }) {
		var names []string
		for _, c := range s.lines {
			if c.sql != "" {
				names = append(names, config.Scalar(c.name))
			}
		}
		fmt.Fprintf(b, "      select: [%s] # the other columns cannot be loaded, see below\n", strings.Join(names, ", "))
	} else {
		fmt.Fprintf(b, "      # select: [COLUMN, COLUMN] # load only these, in this order\n")
	}
	if s.any(func(c starterColumn) bool { return c.isDrift }) || len(s.src.PartitionDrift(s.src.Schema)) > 0 {
		fmt.Fprintf(b, "      on_drift: union # the files differ, see below\n")
	}
	fmt.Fprintf(b, "      # where: \"COLUMN >= 1\" # load only these rows; files and row groups without any are not read\n")
}

func (s *starter) any(holds func(starterColumn) bool) bool {
	return slices.ContainsFunc(s.lines, holds)
}

// writeColumns lists the columns, and says what needs to be said about nested ones.
func (s *starter) writeColumns(b *strings.Builder) {
	fmt.Fprintf(b, "    # The columns of the files, and what they become:\n")
	names, types := 0, 0
	for _, c := range s.lines {
		names, types = max(names, len(comment(c.name))), max(types, len(c.sql))
	}
	for _, c := range s.lines {
		line := fmt.Sprintf("    #   %-*s  %-*s  %s", names, comment(c.name), types, c.sql, comment(c.note))
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
	fmt.Fprintf(b, "    columns:\n      # COLUMN: {rename: NAME, type: \"numeric(18,2)\", default: \"0\"}\n")
	for _, c := range s.lines {
		var settings []string
		if c.asJSON && c.sql != "" {
			settings = append(settings, "nested: json")
		}
		if c.rename != "" {
			settings = append(settings, "rename: "+c.rename)
		}
		if len(settings) > 0 {
			fmt.Fprintf(b, "      %s: {%s}\n", config.MapKey(c.name), strings.Join(settings, ", "))
		}
	}
}

// comment keeps text from ending the line of a comment, and from looking like something else.
func comment(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) || r == '\ufeff' {
			return ' '
		}
		return r
	}, text)
}

// writeRules writes rules that hold now, for the user to choose from.
func (s *starter) writeRules(b *strings.Builder) {
	fmt.Fprintf(b, "    rules:\n      # These hold for the values that the files have now:\n")
	for _, c := range s.lines {
		if c.rule != "" {
			fmt.Fprintf(b, "      # - %s\n", comment(c.rule))
		}
	}
}

// writePublish writes how the extract would be published, for the user to uncomment.
func writePublish(b *strings.Builder, name string) {
	fmt.Fprintf(b, "# To have `hyperlake run` publish the extract; who signs in comes from the environment (tab_pat_name, tab_secret_id):\n")
	fmt.Fprintf(b, "# publish:\n#   server: https://example.online.tableau.com # or the variable tab_site_url\n")
	fmt.Fprintf(b, "#   site: marketing # as in the browser's address after /site/; or the variable tab_site_id\n")
	fmt.Fprintf(b, "#   project: Sales/Nightly\n#   datasource: %s\n", comment(config.Scalar(name)))
	fmt.Fprintf(b, "#   mode: overwrite # or create, append, replace, insert, update, upsert, delete\n")
}
