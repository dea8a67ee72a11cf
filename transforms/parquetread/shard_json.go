package parquetread

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"hyperlake/internal/lake"
)

// shardJSON is how a shard travels. A file that deletes rows is described once, however many of its files it is for.
type shardJSON struct {
	plainShard
	Files     []fileJSON  `json:"files"`
	Positions deletesJSON `json:"position_deletes,omitempty"`
	Values    deletesJSON `json:"equality_deletes,omitempty"`
}

type plainShard Shard

// deletesJSON is files that delete rows.
type deletesJSON []lake.DeleteFile

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
	positions := indexDeletes(s.Files, func(f FileRef) []lake.DeleteFile { return f.PositionDeletes })
	values := indexDeletes(s.Files, func(f FileRef) []lake.DeleteFile { return f.EqualityDeletes })
	for _, file := range s.Files {
		to.Files = append(to.Files, fileJSON{
			FileRef: file, Positions: positions.spans(file.PositionDeletes), Values: values.spans(file.EqualityDeletes),
		})
	}
	to.Positions, to.Values = positions.files, values.files
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
		if file.PositionDeletes, err = from.Positions.list(file.Positions); err != nil {
			return err
		}
		if file.EqualityDeletes, err = from.Values.list(file.Values); err != nil {
			return err
		}
		s.Files = append(s.Files, file.FileRef)
	}
	return nil
}

// list is the files of spans. Files that have the same share it.
func (d deletesJSON) list(spans []span) ([]lake.DeleteFile, error) {
	var all []lake.DeleteFile
	for _, at := range spans {
		if at[0] < 0 || at[0] > at[1] || at[1] > len(d) {
			return nil, fmt.Errorf("files %d to %d of %d that delete rows", at[0], at[1], len(d))
		}
		part := slices.Clip(d[at[0]:at[1]])
		if all == nil {
			all = part
		} else {
			all = append(all, part...)
		}
	}
	return all, nil
}

// deleteIndex is where files that delete rows stand among all of a shard.
type deleteIndex struct {
	files []lake.DeleteFile
	at    map[deleteKey]int
}

// deleteKey is a lake.DeleteFile that can be compared.
type deleteKey struct {
	uri        string
	size, rows int64
	fields     string
}

func keyOf(file lake.DeleteFile) deleteKey {
	key := deleteKey{uri: file.URI, size: file.Size, rows: file.Rows}
	var fields []byte
	for _, id := range file.Fields {
		fields = binary.BigEndian.AppendUint32(fields, uint32(id))
	}
	key.fields = string(fields)
	return key
}

// indexDeletes puts the files of lists into one, the longest first: others are mostly the end of such a list, or of
// two, and so few spans of all.
func indexDeletes(files []FileRef, listOf func(FileRef) []lake.DeleteFile) *deleteIndex {
	lists := make([][]lake.DeleteFile, len(files))
	for i, file := range files {
		lists[i] = listOf(file)
	}
	slices.SortStableFunc(lists, func(a, b []lake.DeleteFile) int { return cmp.Compare(len(b), len(a)) })
	x := &deleteIndex{at: map[deleteKey]int{}}
	for _, list := range lists {
		for _, file := range list {
			key := keyOf(file)
			if _, isKnown := x.at[key]; !isKnown {
				x.at[key] = len(x.files)
				x.files = append(x.files, file)
			}
		}
	}
	return x
}

// spans are where some files stand, whose order does not matter.
func (x *deleteIndex) spans(files []lake.DeleteFile) []span {
	at := make([]int, len(files))
	for i, file := range files {
		at[i] = x.at[keyOf(file)]
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
