package hyperd

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hyperlake/internal/environment"
	"hyperlake/internal/words"
)

// Reading says how far a hyperd is kept to reading, whatever statements it is given.
type Reading int

// How far a hyperd is kept to reading.
const (
	NotOnly      Reading = iota // it may do anything
	OnlyReading                 // it changes no .hyper file, and makes none
	OnlyAttached                // nor reads or writes any other file, nor uses the network
)

// readOnlyStorage is hyperd's own default, but for the mode of access.
const readOnlyStorage = `{"providers": [` +
	`{"type": "single-file", "name": "file", "implementation": "mmap", "blacklist": [], "whitelist": ["*"], ` +
	`"default-directory": "", "allowed-access-mode": "read-only"}, ` +
	`{"type": "transient-file", "name": "transient", "entry-limit": 0, "size-limit": "0", "entry-lifetime": "0ms"}], ` +
	`"default": "file", "default-transient": "transient"}`

// nowhere are the settings of a hyperd that finds no cloud: nobody listens there, on this
// machine, and hyperd asks once. A request over http is refused by default.
var nowhere = map[string]string{
	"external_s3_hostname": "127.0.0.1", "external_s3_port": "1",
	"s3_request_strategy": "single", "blob_services_use_path_style_addressing": "true",
	"external_gcs_hostname": "127.0.0.1", "external_gcs_port": "1",
	"gcs_request_strategy": "single", "external_gcs_use_ssl": "false",
	"external_azure_hostname": "127.0.0.1", "external_azure_port": "1",
	"azure_blob_request_strategy": "single", "external_azure_use_ssl": "false",
}

// noMachineCredentials keeps hyperd from asking the machine that it runs on for credentials.
const noMachineCredentials = "AWS_EC2_METADATA_DISABLED=true"

// settings are those of a configuration with those that keep hyperd to reading, which take
// precedence. Of other files, it finds those in folder alone.
func (r Reading) settings(configured map[string]string, folder string) map[string]string {
	if r == NotOnly {
		return configured
	}
	settings := map[string]string{}
	for name, value := range configured {
		settings[strings.ReplaceAll(name, "-", "_")] = value
	}
	settings["storage_providers"] = readOnlyStorage
	if r == OnlyAttached {
		maps.Copy(settings, nowhere)
		settings["external_file_whitelist"] = folder
		delete(settings, "external_file_blacklist")
	}
	return settings
}

// environment is what a hyperd inherits, and what keeps it from the cloud.
func (r Reading) environment() []string {
	inherited := environment.ForPrograms()
	if r == OnlyAttached {
		return append(inherited, noMachineCredentials)
	}
	return inherited
}

// queries are the words that a query begins with.
var queries = []string{"select", "with", "values", "table"}

// reach are the functions that read other files.
var reach = []string{"external", "s3_location", "gcs_location", "azure_location", "http_location"}

// unfit are the functions that change the session, write to a log, or have something else
// executed, here or elsewhere.
var unfit = []string{
	"set_config", "hyper_log", "hyper_execute_query_plan", "dumpsqlast", "foreign_table",
	"raw_sql_subquery", "raw_sql_function", "raw_sql_aggregate",
}

// checkClosed refuses quotation marks and parentheses that are alone.
func checkClosed(tokens []token) error {
	depth := 0
	for _, t := range tokens {
		switch {
		case t.isOpen():
			return fmt.Errorf("what begins with %s is not closed", words.Shorten(t.text))
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		}
		if depth < 0 {
			return errors.New("a ) has no ( before it")
		}
	}
	if depth > 0 {
		return fmt.Errorf("%s not closed", words.Plural(int64(depth), "a ( is", "( are"))
	}
	return nil
}

// CheckQuery says why a statement is not one query, or which function it calls that is not
// for queries; those that read other files are, if that is allowed. It is there for early
// and clear words: what a statement can do is for [Reading] to limit. Its error has no kind: the caller knows
// who wrote the statement.
func CheckQuery(sql string, otherFiles bool) error {
	tokens := significant(sql)
	for len(tokens) > 0 && tokens[0].is(";") { // an empty statement
		tokens = tokens[1:]
	}
	for len(tokens) > 0 && tokens[len(tokens)-1].is(";") {
		tokens = tokens[:len(tokens)-1]
	}
	begins := slices.IndexFunc(tokens, func(t token) bool { return !t.is("(") })
	switch {
	case begins < 0:
		return errors.New("the query is empty")
	case !slices.ContainsFunc(queries, tokens[begins].isWord):
		return fmt.Errorf("a query begins with SELECT or WITH, but this begins with %s", tokens[begins].text)
	case slices.ContainsFunc(tokens, func(t token) bool { return t.is(";") }):
		return errors.New("there are several statements where one query is expected")
	}
	if err := checkClosed(tokens); err != nil {
		return err
	}
	for i, t := range tokens[:len(tokens)-1] {
		if !tokens[i+1].is("(") {
			continue
		}
		switch {
		case slices.ContainsFunc(unfit, t.mayName):
			return fmt.Errorf("the query calls %s(…), which is not for queries", t.text)
		case t.mayName("external") && i+2 < len(tokens) && tokens[i+2].mayName("stdin"):
			return errors.New("the query reads stdin, which is not sent to hyperd") // it would wait for ever
		case !otherFiles && slices.ContainsFunc(reach, t.mayName):
			return fmt.Errorf("the query calls %s(…), which reads other files", t.text)
		}
	}
	return nil
}
