package config

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/words"
)

// SourceFormat says what the files of a source are.
type SourceFormat string

// What the files of a source can be.
const (
	FormatAuto    SourceFormat = "auto"    // a table where a table format says so, else loose Parquet files
	FormatParquet SourceFormat = "parquet" // loose Parquet files, whatever lies beside them
	FormatDelta   SourceFormat = "delta"   // a Delta Lake table
	FormatIceberg SourceFormat = "iceberg" // an Iceberg table
)

// UnmarshalText reads the word as a configuration gives it.
func (f *SourceFormat) UnmarshalText(text []byte) error {
	return words.OneOf(f, text, FormatAuto, FormatParquet, FormatDelta, FormatIceberg)
}

// TableVersion is a version of a table: a number, a time, the name of a branch or a tag, or the latest, which is empty. Which
// of them there are is the table format's matter.
type TableVersion string

const latestVersion = "latest"

// versionTimes are the forms of a time. One without a zone is in UTC.
var versionTimes = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly}

// UnmarshalText reads a version as a configuration gives it.
func (v *TableVersion) UnmarshalText(text []byte) error {
	switch word := strings.TrimSpace(string(text)); word {
	case "":
		return errors.New("must be latest, a number, a time such as 2026-11-28T06:00:00Z, or the name of a branch or a tag")
	case latestVersion:
		*v = ""
	default:
		*v = TableVersion(word)
	}
	return nil
}

// Number is the version as a number, if it is one.
func (v TableVersion) Number() (n int64, ok bool) {
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil && n >= 0
}

// Time is the version as a time, if it is one.
func (v TableVersion) Time() (at time.Time, ok bool) {
	for _, form := range versionTimes {
		if at, err := time.Parse(form, string(v)); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// CatalogConfig names a table in an Iceberg catalog.
type CatalogConfig struct {
	// Type is the kind of catalog: rest. Required.
	Type CatalogType `yaml:"type"`

	// URI is the address of the catalog, http:// or https://, before its /v1. Required.
	URI string `yaml:"uri"`

	// Table is the table, with its namespaces before it, as in sales.orders. Required.
	Table string `yaml:"table"`

	// Warehouse is the one that the catalog is asked for. Default: none.
	Warehouse string `yaml:"warehouse"`

	// TokenEnv names the variable of the environment that holds the token. Default: none is sent.
	TokenEnv string `yaml:"token_env"`
}

// CatalogType is a kind of catalog.
type CatalogType string

// CatalogREST is a catalog that speaks the REST protocol of Iceberg.
const CatalogREST CatalogType = "rest"

// UnmarshalText reads the word as a configuration gives it.
func (t *CatalogType) UnmarshalText(text []byte) error {
	return words.OneOf(t, text, CatalogREST)
}

// checkCatalog checks what a source says of a catalog.
func (c *Config) checkCatalog(key string, source SourceConfig) error {
	catalog, at := source.Catalog, key+".catalog"
	address, err := url.Parse(catalog.URI)
	switch {
	case len(source.URI) > 0:
		return c.Problem(at, "%s names a table, and %s.uri names files; leave one of them out", at, key)
	case source.Format != FormatAuto && source.Format != FormatIceberg:
		return c.Problem(key+".format", "%s.format is %s, but the tables of a catalog are Iceberg's; leave it out", key, source.Format)
	case catalog.Type == "":
		return c.Problem(at, "%s.type is missing; write type: rest", at)
	case catalog.Table == "":
		return c.Problem(at, "%s.table is missing; name the table with its namespace, such as sales.orders", at)
	case err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" || address.User != nil:
		return c.Problem(at, "%s.uri must be the address of the catalog, such as https://catalog.example.com/iceberg", at)
	}
	return nil
}
