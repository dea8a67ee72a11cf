package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
)

// SchemaFile is the name of the file in which types are pinned. No lake has it for one of its own.
const SchemaFile = "_schema.json"

// schemaVersion is the version of the layout of [SchemaFile]. Keys may be added, never renamed.
const schemaVersion = 1

// Column is a column that is pinned.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // in SQL, in small letters, such as numeric(18,2)
}

// schemaFile is the content of [SchemaFile].
type schemaFile struct {
	Version int      `json:"version"`
	Columns []Column `json:"columns"`
}

// Schema is what an entry has for columns: the pinned ones, or those that a first run pins.
type Schema struct {
	Columns []Column `json:"columns"`
	Pinned  bool     `json:"pinned"`          // by an earlier run; else they are those that the source has now
	Drift   []string `json:"drift,omitempty"` // what of the source has changed since, and is accepted

	asked  *arrow.Schema // what the source is asked for
	target *arrow.Schema // what is written: every pinned column
	before *storage.Info // the file as it was read; nil for none
}

// LookAt compares the columns that a source has now with those that are pinned for an entry, and writes nothing. A drift that is not
// accepted, a type that has no place in the lake, and a column of the configuration that is none are failures of kind Source, known
// before any data was read.
func LookAt(ctx context.Context, entry Entry, source Source) (*Schema, error) {
	now, err := source.Columns(ctx)
	if err != nil {
		return nil, asSource(entry, err)
	}
	pinned, before, err := readPinned(ctx, entry.Pinned)
	if err != nil {
		return nil, err
	}
	schema, err := compare(entry, pinned, before != nil, now)
	if err != nil {
		return nil, err
	}
	schema.before = before
	return schema, nil
}

// LookAtPinned is what is pinned for an entry, without a look at its source; without columns where nothing is.
func LookAtPinned(ctx context.Context, entry Entry) (*Schema, error) {
	pinned, before, err := readPinned(ctx, entry.Pinned)
	if err != nil {
		return nil, err
	}
	return &Schema{Columns: pinned, Pinned: before != nil, before: before}, nil
}

// readPinned reads the pinned columns of a folder, and which file that is; nil if there is none.
func readPinned(ctx context.Context, folder string) ([]Column, *storage.Info, error) {
	uri := storage.Join(folder, SchemaFile)
	info, err := storage.Stat(ctx, uri)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	var found schemaFile
	if err == nil {
		err = storage.GetJSON(ctx, uri, &found)
	}
	if err == nil && (found.Version > schemaVersion || len(found.Columns) == 0) {
		err = fmt.Errorf("it has version %d and %d columns, which this hyperlake does not know", found.Version, len(found.Columns))
	}
	if err != nil {
		return nil, nil, failure.New(failure.Storage, "read the pinned types %s: %w", uri, err).WithHint("%s", storage.Hint(err)).BeforeData()
	}
	for _, column := range found.Columns {
		if _, _, err := convert.TypeNamed(column.Type); err != nil {
			return nil, nil, failure.New(failure.Storage, "the pinned types %s: column %q: %w", uri, column.Name, err).
				WithHint("write a type there as in a configuration").BeforeData()
		}
	}
	return found.Columns, &info, nil
}

// pin writes the columns of a schema to the folder in which they are pinned, unless they stand there. Where another ingest pinned
// others meanwhile, it fails with one of kind Storage.
func (s *Schema) pin(ctx context.Context, folder string) error {
	if s.Pinned && len(s.Drift) == 0 {
		return nil
	}
	data, err := s.encode()
	if err != nil {
		return err
	}
	uri := storage.Join(folder, SchemaFile)
	store, err := storage.For(uri)
	if err != nil {
		return failure.New(failure.Config, "%w", err)
	}
	condition := storage.IfAbsent()
	if s.before != nil {
		condition = storage.IfUnchanged(*s.before)
	}
	_, err = storage.WriteIf(ctx, store, uri, data, condition)
	if errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrChanged) {
		if standing, _, readErr := readPinned(ctx, folder); readErr == nil && slices.Equal(standing, s.Columns) {
			return nil
		}
		return failure.New(failure.Storage, "pin the types in %s: another ingest has pinned others meanwhile", uri).
			WithHint("run it again: what does not fit them is told then")
	}
	if err != nil {
		return failure.New(failure.Storage, "pin the types in %s: %w", uri, err).WithHint("%s", storage.Hint(err))
	}
	return nil
}

func (s *Schema) encode() ([]byte, error) {
	data, err := json.MarshalIndent(schemaFile{Version: schemaVersion, Columns: s.Columns}, "", "  ")
	return append(data, '\n'), err
}

// comparison compares what is pinned with what a source has.
type comparison struct {
	entry  Entry
	pinned []Column
	now    map[string]arrow.Field
	drift  []string // what has changed
	lost   []string // of it, what cannot be accepted
}

// compare makes a schema of what is pinned, if anything is, and what the source has.
func compare(entry Entry, pinned []Column, isPinned bool, now *arrow.Schema) (*Schema, error) {
	if entry.Sparse {
		now = withAsked(now, entry)
	}
	c := comparison{entry: entry, pinned: pinned, now: map[string]arrow.Field{}}
	for _, field := range now.Fields() {
		if _, twice := c.now[field.Name]; twice {
			return nil, refused(entry, "the source has two columns %q", field.Name).WithHint("give one of them another name")
		}
		c.now[field.Name] = field
	}
	if err := c.checkAsked(now); err != nil {
		return nil, err
	}
	schema := &Schema{Pinned: isPinned}
	for _, column := range pinned {
		kept, err := c.keep(column)
		if err != nil {
			return nil, err
		}
		schema.Columns = append(schema.Columns, kept)
	}
	for _, field := range now.Fields() {
		if slices.ContainsFunc(pinned, func(p Column) bool { return p.Name == field.Name }) {
			continue
		}
		name, err := c.typeOf(field)
		if err != nil {
			return nil, err
		}
		schema.Columns = append(schema.Columns, Column{field.Name, name})
		if isPinned {
			c.drift = append(c.drift, fmt.Sprintf("column %q is new (%s)", field.Name, name))
		}
	}
	if len(schema.Columns) == 0 {
		return nil, refused(entry, "the source has no columns")
	}
	if err := c.judge(); err != nil {
		return nil, err
	}
	schema.Drift = c.drift
	return schema, schema.resolve(c)
}

// withAsked adds the columns for which a type is asked and that the sample of a source does not have: further rows may.
func withAsked(now *arrow.Schema, entry Entry) *arrow.Schema {
	fields := slices.Clone(now.Fields())
	for _, name := range slices.Sorted(maps.Keys(entry.Columns)) {
		if !now.HasField(name) && entry.Columns[name] != "" {
			fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
		}
	}
	return arrow.NewSchema(fields, nil)
}

// checkAsked refuses types for columns that there are not.
func (c *comparison) checkAsked(now *arrow.Schema) error {
	var names []string
	for _, field := range now.Fields() {
		names = append(names, field.Name)
	}
	for _, column := range c.pinned {
		names = append(names, column.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.entry.Columns)) {
		if slices.Contains(names, name) {
			continue
		}
		e := refused(c.entry, "columns.%s: the source has no such column", name)
		if near, ok := words.Nearest(name, names); ok {
			return e.WithHint("did you mean %q?", near)
		}
		return e.WithHint("it has %s", strings.Join(names, ", "))
	}
	return nil
}

// keep is a pinned column, as it stays, and notes what of it has changed.
func (c *comparison) keep(column Column) (Column, error) {
	field, found := c.now[column.Name]
	asked := c.entry.Columns[column.Name]
	switch {
	case !found && c.entry.Sparse:
		return column, nil
	case !found:
		c.drift = append(c.drift, fmt.Sprintf("column %q is gone", column.Name))
		return column, nil
	case asked == "" && c.entry.Infers: // whatever it takes them for now
		return column, nil
	}
	name, err := c.typeOf(field)
	if err != nil || name == column.Type {
		return column, err
	}
	change := fmt.Sprintf("column %q is %s, which was %s", column.Name, name, column.Type)
	switch {
	case widens(column.Type, name):
		column.Type = name
	case asked == "" && widens(name, column.Type):
		return column, nil // all its values are of the pinned type, too
	default:
		c.lost = append(c.lost, change)
	}
	c.drift = append(c.drift, change)
	return column, nil
}

// typeOf is the type in which a column of the source is kept.
func (c *comparison) typeOf(field arrow.Field) (string, error) {
	if asked := c.entry.Columns[field.Name]; asked != "" {
		name, _, err := convert.TypeNamed(asked)
		if err != nil {
			return "", failure.New(failure.Config, "ingest %s: columns.%s: %w", c.entry.Name, field.Name, err).
				WithHint("%s", failure.Of(err, failure.Config).Hint)
		}
		return strings.ToLower(name), nil
	}
	name, ok := convert.TypeOf(field)
	if !ok {
		return "", refused(c.entry, "column %q: the lake has no type for %s", field.Name, field.Type).
			WithHint("have the source give it as text")
	}
	return strings.ToLower(name), nil
}

// judge refuses a drift that is not accepted.
func (c *comparison) judge() error {
	switch {
	case len(c.drift) == 0 || c.entry.Union && len(c.lost) == 0:
		return nil
	case c.entry.Union:
		return refused(c.entry, "the source has changed since its types were pinned: %s", strings.Join(c.lost, "; ")).
			WithHint("bring it back, or begin anew in another folder: what is there has other types (%s)", storage.Join(c.entry.Pinned, SchemaFile))
	}
	return refused(c.entry, "the source has changed since its types were pinned: %s", strings.Join(c.drift, "; ")).
		WithHint("bring it back, or accept it with on_drift: union, which fills columns that are missing with NULL; "+
			"the types are pinned in %s", storage.Join(c.entry.Pinned, SchemaFile))
}

// refused is a failure of an entry that is known before any data was read.
func refused(entry Entry, format string, args ...any) *failure.Error {
	return failure.New(failure.Source, "ingest %s: "+format, append([]any{entry.Name}, args...)...).BeforeData()
}

// resolve finds what is asked of the source, and what is written.
func (s *Schema) resolve(c comparison) error {
	var asked, target []arrow.Field
	for _, column := range s.Columns {
		_, pinned, err := convert.TypeNamed(column.Type)
		if err != nil {
			return err
		}
		target = append(target, arrow.Field{Name: column.Name, Type: pinned, Nullable: true})
		field, found := c.now[column.Name]
		if !found && !c.entry.Sparse {
			continue
		}
		ask := pinned
		if found && !c.entry.Infers && c.entry.Columns[column.Name] == "" {
			ask = field.Type
		}
		asked = append(asked, arrow.Field{Name: column.Name, Type: ask, Nullable: true})
	}
	s.asked, s.target = arrow.NewSchema(asked, nil), arrow.NewSchema(target, nil)
	return nil
}

// widths orders whole numbers.
var widths = map[string]int{"smallint": 5, "integer": 10, "bigint": 19}

// widens says whether every value of a type has its equal in another one.
func widens(from, to string) bool {
	if widths[from] > 0 && widths[to] > 0 {
		return widths[from] < widths[to]
	}
	switch {
	case from == "real" && to == "double precision":
		return true
	case to == "double precision":
		return from == "smallint" || from == "integer"
	}
	digits, scale, ok := numericOf(to)
	if !ok {
		return false
	}
	if whole := widths[from]; whole > 0 {
		return digits-scale >= whole
	}
	fromDigits, fromScale, ok := numericOf(from)
	return ok && scale >= fromScale && digits-scale >= fromDigits-fromScale
}

// numericOf reads numeric(digits,scale).
func numericOf(name string) (digits, scale int, ok bool) {
	n, err := fmt.Sscanf(name, "numeric(%d,%d)", &digits, &scale)
	return digits, scale, n == 2 && err == nil
}
