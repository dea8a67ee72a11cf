package config

import (
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
	"hyperlake/runners/options"
	"hyperlake/sinks/hyper"
)

// LoadOptions are what the command line adds to a configuration.
type LoadOptions struct {
	// Date is the value of --date; empty for today. It fills ${date}, and less a span ${date-1d}, as Vars do.
	Date string

	// Vars are the values of --var by name. They fill ${NAME}, and ${NAME:-DEFAULT} unless they are empty, in the values of the file,
	// not in its keys and not in Sets; ${env:NAME} is that of the environment; $${ stands for ${. A value is only ever a part of
	// a scalar: in quotes it is text; without quotes the whole scalar is read again with
	// the value in its place and may so become a number or a boolean, but never null, a
	// list or a mapping.
	Vars map[string]string

	// Target is the value of --target: the name of the target that goes over the rest of the file, and below Sets; empty for none.
	Target string

	// Sets are the values of --set, each key.path=value, applied in order. Entries of a
	// list are named by their number, tables.0.name or tables[0].name. The value is YAML;
	// where text belongs, anything unquoted is taken as it was typed. An empty value
	// brings the default back.
	Sets []string

	// Runner is the value of --runner; empty leaves it to the configuration.
	Runner string

	// Flags are values of flags that stand for a key; they win over Sets.
	Flags []FlagValue
}

// FlagValue is the value of a flag, as in Sets, for a key.
type FlagValue struct {
	Flag  string // such as --mode
	Key   string // such as publish.mode
	Value string
}

// Load reads the configuration at path and makes it complete: variables filled in,
// settings of the command line applied, defaults set, values checked against each other,
// and paths made absolute. Paths in the file start at its own folder, also where a
// variable gives them; those in Sets start at the working folder.
//
// Every error is a [failure.Error] of kind Config that is known before any data is read.
// It names the place of what is wrong, as the cause of type [strictyaml.PlacedError] has it, and what to do. All that is wrong is told at
// once, in the order of the file ([failure.Error.More]), but for what only follows from something else that is.
func Load(path string, opts LoadOptions) (*Config, error) {
	file, err := Read(path)
	if err != nil {
		return nil, err
	}
	return file.Load(opts)
}

// Load is [Load] of the file, which is not read again.
func (f *File) Load(opts LoadOptions) (*Config, error) {
	r := f.newReader(opts)
	read, err := r.read()
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(filepath.Dir(f.at.File))
	if err != nil {
		return nil, failure.New(failure.Config, "find the folder of %s: %w", f.at.File, err)
	}
	cfg, wrong := decodeConfig(read.root)
	if read.badDate != nil {
		cfg.broken = append(cfg.broken, "timezone")
	}
	cfg.Date, cfg.File = read.date, filepath.Join(folder, filepath.Base(f.at.File))
	cfg.setTableDefaults()
	cfg.setIngestDefaults(read.root)
	wrong = failure.Join(failure.Config, read.badDate, wrong, cfg.check(), cfg.resolvePaths(folder))
	if wrong == nil {
		return cfg, nil
	}
	var all []error
	for _, one := range strictyaml.InOrder(wrong) {
		all = append(all, one)
	}
	return nil, failure.Join(failure.Config, all...)
}

// decodeConfig reads a configuration without its defaults. Where something is wrong, the rest is there.
func decodeConfig(root *strictyaml.Node) (*Config, error) {
	cfg := defaultConfig()
	decoder := strictyaml.Decoder{Places: map[string]strictyaml.Place{"": root.At}, Readers: textReaders}
	err := decoder.Decode(root, reflect.ValueOf(cfg).Elem(), "")
	cfg.places, cfg.broken = decoder.Places, decoder.Broken
	return cfg, err
}

// textReaders read the values of types that do not read text themselves.
var textReaders = map[reflect.Type]strictyaml.TextReader{
	reflect.TypeFor[Globs]():              func(text string) (any, error) { return Globs{text}, nil },
	reflect.TypeFor[convert.Nested]():     func(text string) (any, error) { return parseNested(text) },
	reflect.TypeFor[hyper.FormatChoice](): func(text string) (any, error) { return hyper.ParseFormatChoice(text) },
}

func parseNested(text string) (convert.Nested, error) {
	var nested convert.Nested
	return nested, words.OneOf(&nested, []byte(text), convert.Refuse, convert.JSON, convert.Flatten)
}

func defaultConfig() *Config {
	return &Config{
		OnEmpty: OnEmptyFail,
		Refresh: RefreshConfig{Mode: RefreshFull, RewriteOver: defaultRewriteOver},
		Runner:  RunnerConfig{Name: options.RunnerDirect, Parallelism: ParallelismAuto},
	}
}

// plainScalar matches what needs no quotes, in lists and mappings on one line either: nothing in
// it means anything to YAML, and people see all of it.
var plainScalar = regexp.MustCompile(`^[\pL\pN_./]([\pL\pN_./*=+%@~-]|://| [\pL\pN_./*=+%@~-])*$`)

// Scalar writes a value so that YAML, and the variables of a configuration, leave it as it is.
func Scalar(text string) string { return strings.ReplaceAll(MapKey(text), "${", "$${") }

// MapKey is [Scalar] for a key, in which variables are not filled.
func MapKey(text string) string {
	plain, err := yaml.Marshal(text)
	if err != nil || string(plain) != text+"\n" || !plainScalar.MatchString(text) {
		text = strconv.Quote(text)
	}
	return text
}
