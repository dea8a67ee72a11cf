package format

import "fmt"

// PageHeader stands before each page of a column chunk.
type PageHeader struct {
	Type             PageType
	UncompressedSize int32 // bytes of the page without this header
	CompressedSize   int32 // bytes of the page without this header, as stored
	HasCRC           bool
	CRC              uint32 // of the bytes as stored
	Values           int32  // nulls included
	Encoding         Encoding
	Definitions      Encoding // of the definition levels of a DataPage
	Repetitions      Encoding // of the repetition levels of a DataPage
	DefinitionBytes  int32    // of a DataPageV2
	RepetitionBytes  int32    // of a DataPageV2
	IsCompressed     bool     // of a DataPageV2: whether its values are
}

// ParsePageHeader parses the header at the start of data and returns how many bytes it
// takes. ErrShort says that it may be whole when more bytes are given; any other error is final.
func ParsePageHeader(data []byte) (PageHeader, int, error) {
	t := &thrift{data: data}
	h := PageHeader{IsCompressed: true}
	t.fields(func(id int16, k kind) bool {
		switch id {
		case 1:
			return t.readInt32(k, (*int32)(&h.Type))
		case 2:
			return t.readInt32(k, &h.UncompressedSize)
		case 3:
			return t.readInt32(k, &h.CompressedSize)
		case 4:
			var crc int32
			h.HasCRC = t.readInt32(k, &crc)
			h.CRC = uint32(crc)
			return h.HasCRC
		case 5:
			return t.readStruct(k, func(id int16, k kind) bool { return t.dataPage(&h, id, k) })
		case 7:
			return t.readStruct(k, func(id int16, k kind) bool { return t.dictionaryPage(&h, id, k) })
		case 8:
			return t.readStruct(k, func(id int16, k kind) bool { return t.dataPageV2(&h, id, k) })
		}
		return false
	})
	if t.err != nil {
		return PageHeader{}, 0, fmt.Errorf("page header: %w", t.err)
	}
	return h, t.pos, nil
}

func (t *thrift) dataPage(h *PageHeader, id int16, k kind) bool {
	switch id {
	case 1:
		return t.readInt32(k, &h.Values)
	case 2:
		return t.readInt32(k, (*int32)(&h.Encoding))
	case 3:
		return t.readInt32(k, (*int32)(&h.Definitions))
	case 4:
		return t.readInt32(k, (*int32)(&h.Repetitions))
	}
	return false
}

func (t *thrift) dictionaryPage(h *PageHeader, id int16, k kind) bool {
	switch id {
	case 1:
		return t.readInt32(k, &h.Values)
	case 2:
		return t.readInt32(k, (*int32)(&h.Encoding))
	}
	return false
}

func (t *thrift) dataPageV2(h *PageHeader, id int16, k kind) bool {
	switch id {
	case 1:
		return t.readInt32(k, &h.Values)
	case 4:
		return t.readInt32(k, (*int32)(&h.Encoding))
	case 5:
		return t.readInt32(k, &h.DefinitionBytes)
	case 6:
		return t.readInt32(k, &h.RepetitionBytes)
	case 7:
		return t.readBool(k, &h.IsCompressed)
	}
	return false
}
