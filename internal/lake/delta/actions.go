package delta

import (
	"encoding/json"
	"errors"
	"fmt"
)

// action is a line of the log. Actions and fields that are not known are left out, as the protocol wants it.
type action struct {
	Add        *addAction      `json:"add"`
	Remove     *fileName       `json:"remove"`
	Metadata   *metadata       `json:"metaData"`
	Protocol   *protocol       `json:"protocol"`
	CommitInfo json.RawMessage `json:"commitInfo"`
	Sidecar    *sidecar        `json:"sidecar"`
}

// fileName names a file of the table, together with the rows that are deleted of it.
type fileName struct {
	Path   string            `json:"path"`
	Vector *vectorDescriptor `json:"deletionVector"`
}

// addAction adds a file.
type addAction struct {
	fileName
	Partition map[string]*string `json:"partitionValues"`
	Size      int64              `json:"size"`
	Modified  int64              `json:"modificationTime"` // milliseconds
	Stats     string             `json:"stats"`            // JSON

	parsed *parsedStatistics // of a checkpoint; nil if it has none
}

// vectorDescriptor says where a deletion vector is.
type vectorDescriptor struct {
	Storage     string `json:"storageType"`
	Place       string `json:"pathOrInlineDv"`
	Offset      *int64 `json:"offset"`
	Size        int64  `json:"sizeInBytes"`
	Cardinality int64  `json:"cardinality"`
}

// protocol says what a reader must know.
type protocol struct {
	Reader   int       `json:"minReaderVersion"`
	Features *[]string `json:"readerFeatures"`
}

// metadata describes the table.
type metadata struct {
	Format struct {
		Provider string `json:"provider"`
	} `json:"format"`
	Schema        string            `json:"schemaString"`
	Partition     []string          `json:"partitionColumns"`
	Configuration map[string]string `json:"configuration"`
}

// sidecar names a file that has a part of a checkpoint.
type sidecar struct {
	Path string `json:"path"`
	Size int64  `json:"sizeInBytes"`
}

// parseLine reads a line of a commit, of compacted commits or of a checkpoint in JSON. What is no JSON object,
// has a field of another type, or more than one action is a *lineError.
func parseLine(line []byte) (action, error) {
	var a action
	if err := parseInto(line, &a); err != nil {
		return action{}, err
	}
	count := 0
	for _, is := range []bool{a.Add != nil, a.Remove != nil, a.Metadata != nil, a.Protocol != nil, isSet(a.CommitInfo), a.Sidecar != nil} {
		if is {
			count++
		}
	}
	if count > 1 {
		return action{}, &lineError{errors.New("it has more than one action")}
	}
	return a, nil
}

// isSet says whether a value is there, and not NULL: some writers write all actions in every line.
func isSet(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// parseInto reads a line into the parts of an action that are wanted.
func parseInto(line []byte, into any) error {
	if len(line) == 0 || line[0] != '{' {
		return &lineError{errors.New("it is no JSON object")}
	}
	if err := json.Unmarshal(line, into); err != nil {
		return &lineError{fmt.Errorf("it is cut off or damaged: %w", err)}
	}
	return nil
}

// provenance is what a commit says about itself.
type provenance struct {
	operation string
	time      int64 // the in-commit timestamp in milliseconds; 0 if there is none
}

// parseProvenance reads what writers say freely: what has another type than expected is left out.
func parseProvenance(raw json.RawMessage) provenance {
	var fields map[string]json.RawMessage
	var p provenance
	if json.Unmarshal(raw, &fields) != nil {
		return p
	}
	var operation string
	if json.Unmarshal(fields["operation"], &operation) == nil {
		p.operation = operation
	}
	var time int64
	if json.Unmarshal(fields["inCommitTimestamp"], &time) == nil && time > 0 {
		p.time = time
	}
	return p
}
