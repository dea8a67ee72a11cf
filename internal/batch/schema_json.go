package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// Schema is an Arrow schema that travels to workers. In JSON it is an Arrow IPC stream
// without batches, which keeps nested types and metadata.
type Schema struct {
	*arrow.Schema
}

// MarshalJSON encodes the schema.
func (s Schema) MarshalJSON() ([]byte, error) {
	if s.Schema == nil {
		return nil, errors.New("encode schema: there is none")
	}
	var out bytes.Buffer
	if err := ipc.NewWriter(&out, ipc.WithSchema(s.Schema)).Close(); err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return json.Marshal(out.Bytes())
}

// UnmarshalJSON decodes what MarshalJSON wrote.
func (s *Schema) UnmarshalJSON(data []byte) error {
	var stream []byte
	if err := json.Unmarshal(data, &stream); err != nil {
		return fmt.Errorf("decode schema: %w", err)
	}
	r, err := ipc.NewReader(bytes.NewReader(stream))
	if err != nil {
		return fmt.Errorf("decode schema: %w", err)
	}
	defer r.Release()
	s.Schema = r.Schema()
	return nil
}
