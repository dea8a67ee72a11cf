package vector

import (
	"encoding/binary"
	"fmt"
	"math"
)

// z85 is the alphabet of base 85 that Delta writes binaries in, see ZeroMQ's RFC 32.
const z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

// z85Values are the values of its characters, and noDigit of all others.
var z85Values = func() (values [256]byte) {
	for i := range values {
		values[i] = noDigit
	}
	for i := range len(z85) {
		values[z85[i]] = byte(i)
	}
	return values
}()

const (
	noDigit    = 85
	groupChars = 5
	groupBytes = 4
)

// DecodeZ85 decodes text in Z85. It fails where the length is no multiple of five, at a character that is
// none of the alphabet, and at a group that is no number of 32 bits.
func DecodeZ85(text string) ([]byte, error) {
	if len(text)%groupChars != 0 {
		return nil, fmt.Errorf("a text in Z85 cannot have %d characters", len(text))
	}
	raw := make([]byte, 0, len(text)/groupChars*groupBytes)
	for i := 0; i < len(text); i += groupChars {
		group := uint64(0)
		for _, char := range []byte(text[i : i+groupChars]) {
			if z85Values[char] == noDigit {
				return nil, fmt.Errorf("%q is no character of Z85", char)
			}
			group = group*85 + uint64(z85Values[char])
		}
		if group > math.MaxUint32 {
			return nil, fmt.Errorf("%q is no group of Z85", text[i:i+groupChars])
		}
		raw = binary.BigEndian.AppendUint32(raw, uint32(group))
	}
	return raw, nil
}
