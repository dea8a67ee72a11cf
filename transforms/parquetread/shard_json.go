package parquetread

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"hyperlake/internal/lake"
)

// shardJSON is how a shard travels. A file that deletes rows is described once, however many of its files it is for.
type shardJSON struct {
	plainShard
	Files   []fileJSON        `json:"files"`
	Deletes []lake.DeleteFile `json:"deletes,omitempty"`
}

type plainShard Shard

// fileJSON is a file of a shard, whose own lists of files that delete rows are spans of the shard's.
type fileJSON struct {
	FileRef
	Positions []span `json:"position_deletes,omitempty"`
	Values    []span `json:"equality_deletes,omitempty"`
}

// span is the first of several that follow each other, and the one behind the last.
type span [2]int

// MarshalJSON implements json.Marshaler.
func (s Shard) MarshalJSON() ([]byte, error) {
	to := shardJSON{plainShard: plainShard(s)}
	known := deleteIndex{}
	for _, file := range s.Files {
		to.Files = append(to.Files, fileJSON{
			FileRef: file, Positions: known.spans(file.PositionDeletes, &to), Values: known.spans(file.EqualityDeletes, &to),
		})
	}
	return json.Marshal(to)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Shard) UnmarshalJSON(raw []byte) error {
	var from shardJSON
	if err := json.Unmarshal(raw, &from); err != nil {
		return err
	}
	*s = Shard(from.plainShard)
	for _, file := range from.Files {
		var err error
		if file.PositionDeletes, err = from.list(file.Positions); err != nil {
			return err
		}
		if file.EqualityDeletes, err = from.list(file.Values); err != nil {
			return err
		}
		s.Files = append(s.Files, file.FileRef)
	}
	return nil
}

// list is the files of spans. Files that have the same share it.
func (s *shardJSON) list(spans []span) ([]lake.DeleteFile, error) {
	var all []lake.DeleteFile
	for _, at := range spans {
		if at[0] < 0 || at[0] > at[1] || at[1] > len(s.Deletes) {
			return nil, fmt.Errorf("files %d to %d of %d that delete rows", at[0], at[1], len(s.Deletes))
		}
		part := slices.Clip(s.Deletes[at[0]:at[1]])
		if all == nil {
			all = part
		} else {
			all = append(all, part...)
		}
	}
	return all, nil
}

// deleteIndex is where files that delete rows stand in a shard.
type deleteIndex map[deleteKey]int

// deleteKey is a lake.DeleteFile that can be compared.
type deleteKey struct {
	uri        string
	size, rows int64
	fields     string
}

// spans are where some files stand, whose order does not matter. The table's lists mostly go on as others do: few spans are left.
func (x deleteIndex) spans(files []lake.DeleteFile, in *shardJSON) []span {
	at := make([]int, len(files))
	for i, file := range files {
		key := deleteKey{uri: file.URI, size: file.Size, rows: file.Rows}
		if len(file.Fields) > 0 {
			key.fields = fieldsKey(file.Fields)
		}
		place, isKnown := x[key]
		if !isKnown {
			place = len(in.Deletes)
			x[key] = place
			in.Deletes = append(in.Deletes, file)
		}
		at[i] = place
	}
	slices.Sort(at)
	var spans []span
	for _, place := range at {
		if last := len(spans) - 1; last >= 0 && place <= spans[last][1] {
			spans[last][1] = place + 1
		} else {
			spans = append(spans, span{place, place + 1})
		}
	}
	return spans
}

func fieldsKey(fields []int32) string {
	var key []byte
	for _, id := range fields {
		key = binary.AppendVarint(key, int64(id))
	}
	return string(key)
}
