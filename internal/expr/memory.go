package expr

import (
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
)

// asText is a string over bytes that nobody changes.
func asText(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bufferText is the buffer that the offsets of an array of text point into.
func bufferText(data arrow.ArrayData) string {
	buffers := data.Buffers()
	if len(buffers) < 3 || buffers[2] == nil {
		return ""
	}
	return asText(buffers[2].Bytes())
}
