package xlsx

import (
	"bufio"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hyperlake/internal/scratch"
)

const (
	maxStringsInMemory = 64 << 20 // bytes of texts and of where they end
	maxStringsOnDisk   = 4 << 30
	endBytes           = 8
)

// sharedStrings are the texts that cells share, which they name by number: in memory while they are few, else in two files, one of texts
// and one of where they end.
type sharedStrings struct {
	part     string // "" if there is none
	read     bool
	inMemory int // bytes that may be

	texts []byte
	ends  []byte // of 8 bytes each
	count int64
	size  int64 // of all texts

	folder *scratch.Folder // nil while they are in memory
	files  [2]*os.File     // of texts, and of ends
}

// close gives back the files.
func (s *sharedStrings) close() error {
	var errs []error
	for _, file := range s.files {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	if s.folder != nil {
		errs = append(errs, s.folder.Remove())
	}
	s.files, s.folder = [2]*os.File{}, nil
	return errors.Join(errs...)
}

// load reads all texts once.
func (s *sharedStrings) load(w *Workbook) error {
	if s.read || s.part == "" {
		return nil
	}
	s.read = true
	p, err := w.open(s.part, 0)
	if err != nil {
		return err
	}
	defer p.close()
	var writers [2]*bufio.Writer
	err = p.each(func(start element) error {
		if start.Name.Local != "si" {
			return nil
		}
		before := len(s.texts)
		if s.texts, err = p.richText(s.texts); err != nil {
			return err
		}
		s.count++
		s.size += int64(len(s.texts) - before)
		s.ends = binary.LittleEndian.AppendUint64(s.ends, uint64(s.size))
		if s.size+endBytes*s.count > maxStringsOnDisk {
			return p.damaged(errTooLarge)
		}
		if s.folder == nil && len(s.texts)+len(s.ends) > s.inMemory {
			if writers, err = s.spill(); err != nil {
				return err
			}
		}
		if s.folder != nil {
			return s.flush(writers)
		}
		return nil
	})
	if err != nil || s.folder == nil {
		return err
	}
	return errors.Join(writers[0].Flush(), writers[1].Flush())
}

// spill makes the files.
func (s *sharedStrings) spill() (writers [2]*bufio.Writer, err error) {
	if s.folder, err = scratch.Make("", "ingest-"); err != nil {
		return writers, err
	}
	for i, name := range []string{"texts", "ends"} {
		if s.files[i], err = os.Create(filepath.Join(s.folder.Path, name)); err != nil {
			return writers, err
		}
		writers[i] = bufio.NewWriterSize(s.files[i], readBuffer)
	}
	return writers, nil
}

// flush moves what is in memory to the files.
func (s *sharedStrings) flush(writers [2]*bufio.Writer) error {
	_, err := writers[0].Write(s.texts)
	_, err2 := writers[1].Write(s.ends)
	s.texts, s.ends = s.texts[:0], s.ends[:0]
	return errors.Join(err, err2)
}

// append appends the text of a number; found is false if there is none.
func (s *sharedStrings) append(to []byte, number int64) (text []byte, found bool, err error) {
	if number < 0 || number >= s.count {
		return to, false, nil
	}
	var ends [2 * endBytes]byte
	of := ends[:]
	if number == 0 {
		of = ends[endBytes:]
	}
	if err := s.readAt(1, of, s.ends, (number+1)*endBytes-int64(len(of))); err != nil {
		return to, false, err
	}
	start, end := int64(binary.LittleEndian.Uint64(ends[:])), int64(binary.LittleEndian.Uint64(ends[endBytes:]))
	before := len(to)
	to = append(to, make([]byte, end-start)...)
	return to, true, s.readAt(0, to[before:], s.texts, start)
}

func (s *sharedStrings) readAt(file int, to, memory []byte, at int64) error {
	if s.folder == nil {
		copy(to, memory[at:])
		return nil
	}
	if _, err := s.files[file].ReadAt(to, at); err != nil {
		return fmt.Errorf("read texts back from %s: %w", s.files[file].Name(), err)
	}
	return nil
}

// richText appends the text of the element that has begun: all that is shown, without how, and without how it is spoken.
func (p *parser) richText(to []byte) ([]byte, error) {
	before := len(to)
	for depth := p.depth; p.depth >= depth; {
		token, err := p.next()
		if err != nil {
			return to, p.cut(err)
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok || start.Name.Local == "r":
		case start.Name.Local == "t":
			to, err = p.text(to)
		default:
			err = p.skip()
		}
		if err == nil && len(to)-before > maxToken {
			err = p.damaged(errTooLarge)
		}
		if err != nil {
			return to, err
		}
	}
	return to, nil
}

// text appends the text in the element that has begun, with what it escapes.
func (p *parser) text(to []byte) ([]byte, error) {
	before := len(to)
	for depth := p.depth; p.depth >= depth; {
		token, err := p.next()
		if err != nil {
			return to, p.cut(err)
		}
		if text, ok := token.(xml.CharData); ok && p.depth == depth {
			to = append(to, text...)
		}
		if len(to)-before > maxToken {
			return to, p.damaged(errTooLarge)
		}
	}
	return unescape(to, before), nil
}
