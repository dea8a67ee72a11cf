package delta

import (
	"slices"
	"strings"

	"hyperlake/internal/lake"
)

// The reader features that are implemented, or ask nothing of a reader. Features of writers alone do not matter.
var knownFeatures = []string{
	"columnMapping",
	"deletionVectors",
	"timestampNtz",
	"typeWidening",
	"typeWidening-preview",
	"v2Checkpoint",
	"vacuumProtocolCheck", // is about removing files
}

const (
	mappingVersion  = 2 // from which on readers know column mapping
	featuresVersion = 3 // from which on features have names
)

// check refuses a table that asks for more of its reader than is implemented.
func (p *protocol) check(folder string) error {
	switch {
	case p.Reader < 1:
		return damaged(folder, "its protocol has reader version %d", p.Reader)
	case p.Reader > featuresVersion:
		return refused(folder, "it needs reader version %d of the Delta protocol, and up to %d are implemented", p.Reader, featuresVersion)
	case p.Reader < featuresVersion:
		return nil
	case p.Features == nil:
		return damaged(folder, "its protocol has reader version %d, but no list of reader features", p.Reader)
	}
	var unknown []string
	for _, feature := range *p.Features {
		if !slices.Contains(knownFeatures, feature) {
			unknown = append(unknown, feature)
		}
	}
	switch len(unknown) {
	case 0:
		return nil
	case 1:
		return refused(folder, "the reader feature %q is not implemented", unknown[0])
	}
	return refused(folder, "the reader features %s are not implemented", strings.Join(unknown, ", "))
}

// mapsColumns says whether columns may have other names in files.
func (p *protocol) mapsColumns() bool {
	return p.Reader == mappingVersion || p.Reader >= featuresVersion && p.Features != nil && slices.Contains(*p.Features, "columnMapping")
}

// The values of the table's property delta.columnMapping.mode.
const (
	mappingNone = "none"
	mappingName = "name"
	mappingID   = "id"
)

// mapping is how the columns are mapped, and what that means for files.
func (m *metadata) mapping(folder string, p *protocol) (mode string, files lake.Mapping, err error) {
	mode = m.Configuration["delta.columnMapping.mode"]
	switch {
	case mode == "" || mode == mappingNone || !p.mapsColumns():
		return mappingNone, lake.ByName, nil
	case mode == mappingName:
		return mode, lake.ByName, nil
	case mode == mappingID:
		return mode, lake.ByID, nil
	}
	return "", "", refused(folder, "the mode %q of column mapping is not implemented", mode)
}
