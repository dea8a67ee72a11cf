package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"

	"hyperlake/internal/failure"
)

var (
	bomUTF8    = []byte{0xef, 0xbb, 0xbf}
	bomUTF16LE = []byte{0xff, 0xfe}
	bomUTF16BE = []byte{0xfe, 0xff}
)

// decodeText reads text of a named encoding as UTF-8, without its byte order mark. The mark of UTF-16 counts where UTF-8
// is expected, in which its bytes cannot be. UTF-8 arrives as it is, valid or not; replace says that it was another
// encoding, whose invalid bytes arrive as U+FFFD.
func decodeText(stored io.Reader, name string) (text io.Reader, replace bool, err error) {
	from, err := encodingOf(name)
	if err != nil {
		return nil, false, err
	}
	buffered := bufio.NewReaderSize(stored, readBuffer)
	start, err := buffered.Peek(len(bomUTF8))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	switch {
	case from == nil && bytes.HasPrefix(start, bomUTF16LE):
		from = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case from == nil && bytes.HasPrefix(start, bomUTF16BE):
		from = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	if from != nil {
		buffered = bufio.NewReaderSize(from.NewDecoder().Reader(buffered), readBuffer)
		if start, err = buffered.Peek(len(bomUTF8)); err != nil && !errors.Is(err, io.EOF) {
			return nil, false, err
		}
	}
	if bytes.HasPrefix(start, bomUTF8) {
		if _, err := buffered.Discard(len(bomUTF8)); err != nil {
			return nil, false, err
		}
	}
	return buffered, from != nil, nil
}

// encodingOf finds an encoding by its name in IANA's registry, or by the name that browsers know it by; nil is UTF-8.
func encodingOf(name string) (encoding.Encoding, error) {
	if name == "" || strings.EqualFold(name, "utf-8") || strings.EqualFold(name, "utf8") {
		return nil, nil
	}
	if found, err := ianaindex.IANA.Encoding(name); err == nil && found != nil {
		return found, nil
	}
	found, err := htmlindex.Get(name)
	if err != nil || found == encoding.Replacement {
		return nil, failure.New(failure.Config, "there is no encoding %q", name).
			WithHint("name it as IANA does, such as windows-1252, iso-8859-1, utf-16, shift_jis or ibm850")
	}
	return found, nil
}
