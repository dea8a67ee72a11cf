package config

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/strictyaml"
	"hyperlake/internal/words"
	"hyperlake/runners/options"
	"hyperlake/sinks/hyper"
)

// maxConfigBytes is more than any configuration needs, and little enough to parse at once.
const maxConfigBytes = 1 << 20

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
	read, err := loadTree(path, opts)
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, failure.New(failure.Config, "find the folder of %s: %w", path, err)
	}
	cfg, wrong := decodeConfig(read.root)
	if read.badDate != nil {
		cfg.broken = append(cfg.broken, "timezone")
	}
	cfg.Date, cfg.File = read.date, filepath.Join(folder, filepath.Base(path))
	cfg.setTableDefaults()
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

// tree is what a file says, with its variables filled in and the command line applied to it.
type tree struct {
	root    *strictyaml.Node // without its targets
	targets []string         // by name, in the order of the file
	date    time.Time        // of the run
	badDate error            // why that is not known, which is that of today then
}

// loadTree reads the file.
func loadTree(path string, opts LoadOptions) (read tree, err error) {
	file := strictyaml.Place{File: path}
	vars := strictyaml.Variables{Values: opts.Vars, Environment: fromEnvironment}
	if err := vars.Check(); err != nil {
		return read, err
	}
	text, err := readConfig(file)
	if err != nil {
		return read, err
	}
	body, err := strictyaml.Parse(text, file)
	if err != nil {
		return read, err
	}
	if body == nil {
		return read, strictyaml.Problem(file, "the file is empty; a configuration needs at least the keys name and tables")
	}
	if read.root, _, err = buildTree(body, file, vars, opts); err != nil {
		return read, err
	}
	if read.date, read.badDate = dateOf(read.root, opts); read.badDate != nil { // which the zone says that stands there
		read.date = today(time.Now(), time.UTC)
	}
	vars.Date = func(text string) (string, error) { return shiftedDate(read.date, text) }
	read.root, read.targets, err = buildTree(body, file, vars, opts)
	return read, err
}

// buildTree fills in variables, puts the target over the rest, and applies the command line.
func buildTree(body ast.Node, file strictyaml.Place, vars strictyaml.Variables, opts LoadOptions) (
	root *strictyaml.Node, targets []string, err error,
) {
	root, err = strictyaml.NewBuilder(file, vars.Fill).Build(body)
	if err != nil {
		return nil, nil, err
	}
	if err := root.Refusal(); err != nil {
		return nil, nil, err
	}
	if root.Kind != strictyaml.MappingNode {
		return nil, nil, strictyaml.Problem(root.At, "a configuration is made of keys and values (name: lineitem), but this is %s; "+
			"check for a missing space after a colon", root.Describe())
	}
	if targets, err = applyTarget(root, opts.Target); err != nil {
		return nil, nil, err
	}
	return root, targets, applySettings(root, opts)
}

func applySettings(root *strictyaml.Node, opts LoadOptions) error {
	for _, flag := range opts.Sets {
		set, err := strictyaml.ParseSetting(flag)
		if err != nil {
			return err
		}
		if err := set.Apply(root); err != nil {
			return err
		}
	}
	for _, flag := range opts.Flags {
		if err := strictyaml.NewSetting(strictyaml.Place{Flag: flag.Flag}, strings.Split(flag.Key, "."), flag.Value).Apply(root); err != nil {
			return err
		}
	}
	if opts.Runner == "" {
		return nil
	}
	return strictyaml.NewSetting(strictyaml.Place{Flag: "--runner"}, []string{"runner", "name"}, opts.Runner).Apply(root)
}

// plainText writes line ends in the one way in which the parser counts them right.
var plainText = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// readConfig returns the text of a configuration file, without a byte order mark.
func readConfig(at strictyaml.Place) (string, error) {
	file, err := storage.OpenPipe(context.Background(), at.File, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return "", failure.New(failure.Config, "there is no configuration at %s", at.File).
			WithHint("check the path; it starts at the working folder")
	}
	if err != nil {
		return "", failure.New(failure.Config, "read the configuration: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return "", failure.New(failure.Config, "%s is a folder, not a configuration", at.File).
			WithHint("name the YAML file inside it")
	}
	data, err := io.ReadAll(io.LimitReader(file, maxConfigBytes+1))
	if err != nil {
		return "", failure.New(failure.Config, "read the configuration: %w", err)
	}
	if len(data) > maxConfigBytes {
		return "", strictyaml.Problem(at, "the file is larger than %d MiB; is it a configuration?", maxConfigBytes>>20)
	}
	return plainText.Replace(strings.TrimPrefix(string(data), "\ufeff")), nil
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
