package iceberg

import (
	"encoding/json"
	"fmt"

	"hyperlake/internal/lake"
)

const nameMappingProperty = "schema.name-mapping.default"

// mappedEntry is a field in a name mapping.
type mappedEntry struct {
	ID     int32         `json:"field-id"`
	Names  []string      `json:"names"`
	Fields []mappedEntry `json:"fields"`
}

// nameMapping reads which ids columns have in files that have none. It returns nil if the table does not say.
func (m *metadata) nameMapping() ([]lake.FieldName, error) {
	text, ok := m.Properties[nameMappingProperty]
	if !ok {
		return nil, nil
	}
	var entries []mappedEntry
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		return nil, fmt.Errorf("its property %s: %w", nameMappingProperty, err)
	}
	names, err := fieldNames(entries, 0)
	if err != nil {
		return nil, fmt.Errorf("its property %s: %w", nameMappingProperty, err)
	}
	return names, nil
}

// fieldNames are those of fields. One that has a name of another could be found as either.
func fieldNames(entries []mappedEntry, depth int) ([]lake.FieldName, error) {
	if depth > maxNesting {
		return nil, notImplemented("fields in fields, more than %d deep", maxNesting)
	}
	all := make([]lake.FieldName, len(entries))
	seen := map[string]bool{}
	for i, entry := range entries {
		if entry.ID < 0 || entry.ID > maxFieldID {
			return nil, fmt.Errorf("it has the field id %d", entry.ID)
		}
		for _, name := range entry.Names {
			if seen[name] {
				return nil, fmt.Errorf("two fields have the name %q", name)
			}
			seen[name] = true
		}
		fields, err := fieldNames(entry.Fields, depth+1)
		if err != nil {
			return nil, err
		}
		all[i] = lake.FieldName{Names: entry.Names, ID: entry.ID}
		if len(fields) > 0 {
			all[i].Fields = fields
		}
	}
	return all, nil
}
