// Package xlsx reads sheets of workbooks (Office Open XML, ECMA-376), row by row.
//
// It promises the values that stand in a file and not what a program would show of them, each with its type; that a file which is
// damaged or cut off is an error and never fewer rows; and memory that is bounded whatever a file says of itself: parts are read as
// streams, and texts that cells share go to disk when they are many.
//
// It does so itself, because excelize, the usual library, unpacks all parts of a workbook into memory when it opens one, takes damaged
// XML for the end of a sheet, gives cells without their types, and cuts times to seconds. It is what the tests compare with.
package xlsx

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

const (
	maxDirectory = 4 << 20   // bytes of the directory of a file, which is held in memory
	maxWorkbook  = 16 << 20  // bytes of a part that says what there is
	maxStyles    = 128 << 20 // of which a byte is kept for each style
	maxSheets    = 10_000
)

// Workbook is an open file. It is not safe for concurrent use.
type Workbook struct {
	name     string
	stopped  func() error         // says whether to go on
	parts    map[string]*zip.File // by their names in lower case
	sheets   []sheetEntry
	calendar calendar
	strings  *sharedStrings
	formats  []format // by style
}

// sheetEntry is a sheet as the workbook names it.
type sheetEntry struct {
	name, relation string
	hidden         bool
	part           string // that holds its cells; "" of one that has none, such as a chart
}

// Open reads what a workbook says of itself. file must stay as it is, and readable, until [Workbook.Close]; name is for people. What is no
// workbook, or needs a password, is a failure of kind Source; errors of file itself are returned as they are, and so is that of ctx, once
// it is done: from then on, whatever reads the workbook fails.
func Open(ctx context.Context, file io.ReaderAt, size int64, name string) (*Workbook, error) {
	parts, err := openParts(file, size, name)
	if err != nil {
		return nil, err
	}
	w := &Workbook{name: name, parts: parts, stopped: ctx.Err, strings: &sharedStrings{inMemory: maxStringsInMemory}}
	if err := w.load(); err != nil {
		return nil, err
	}
	return w, nil
}

// Close gives back what was kept on disk.
func (w *Workbook) Close() error { return w.strings.close() }

// load reads the parts that say what there is.
func (w *Workbook) load() error {
	roots, err := w.relations("")
	if err != nil {
		return err
	}
	main := ""
	for _, r := range roots {
		if r.is("officeDocument") {
			main = r.target
		}
	}
	switch {
	case strings.HasSuffix(main, ".bin"):
		return w.refuse("it is a binary workbook (.xlsb)").WithHint("save it as .xlsx")
	case main == "" || w.parts[main] == nil:
		return w.refuse("it is no Excel workbook").WithHint("save it as .xlsx; text with delimiters is read by csv")
	}
	if err := w.readWorkbook(main); err != nil {
		return err
	}
	relations, err := w.relations(main)
	if err != nil {
		return err
	}
	for i, sheet := range w.sheets {
		if r, ok := relations[sheet.relation]; ok && r.is("worksheet") {
			w.sheets[i].part = r.target
		}
	}
	for _, r := range relations {
		switch {
		case r.is("sharedStrings"):
			w.strings.part = r.target
		case r.is("styles"):
			if err := w.readStyles(r.target); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuse is a failure of a file that is not what it should be.
func (w *Workbook) refuse(why string) *failure.Error { return refuse(w.name, why) }

func refuse(name, why string) *failure.Error {
	return failure.New(failure.Source, "%s: %s", name, why).BeforeData()
}

// readWorkbook reads which sheets there are, and from when days are counted.
func (w *Workbook) readWorkbook(part string) error {
	p, err := w.open(part, maxWorkbook)
	if err != nil {
		return err
	}
	defer p.close()
	return p.each(func(start element) error {
		switch start.Name.Local {
		case "workbookPr":
			w.calendar.from1904 = isTrue(start.value("date1904"))
		case "sheet":
			if len(w.sheets) == maxSheets {
				return p.damaged(errors.New("it has too many sheets"))
			}
			state := start.value("state")
			w.sheets = append(w.sheets, sheetEntry{
				name: start.value("name"), relation: start.foreign("id"), hidden: state != "" && state != "visible",
			})
		}
		return nil
	})
}

func isTrue(text string) bool { return text == "1" || text == "true" || text == "on" }

// readStyles reads how cells of each style are shown.
func (w *Workbook) readStyles(part string) error {
	p, err := w.open(part, maxStyles)
	if err != nil {
		return err
	}
	defer p.close()
	w.formats = nil
	custom := map[string]format{}
	within := ""
	return p.each(func(start element) error {
		switch name := start.Name.Local; name {
		case "cellXfs", "cellStyleXfs", "dxfs", "extLst":
			within = name
		case "numFmt":
			if within == "" { // those of conditional formats come later
				custom[start.value("numFmtId")] = formatOf(start.value("formatCode"))
			}
		case "xf":
			if within == "cellXfs" {
				id := start.value("numFmtId")
				f, ok := custom[id]
				if !ok {
					f = builtinFormats[id]
				}
				w.formats = append(w.formats, f)
			}
		}
		return nil
	})
}

// Sheet opens a sheet by its name, the first that is visible if that is empty. One that is not there is a failure of kind Source, which
// names those that are.
func (w *Workbook) Sheet(name string) (*Sheet, error) {
	found, err := w.find(name)
	if err != nil {
		return nil, err
	}
	if found.part == "" {
		return nil, w.refuse("the sheet " + words.Shorten(found.name) + " has no cells: it is a chart, a dialog or a macro").
			WithHint("say sheet: with the name of another")
	}
	p, err := w.open(found.part, 0)
	if err != nil {
		return nil, err
	}
	s := &Sheet{Name: found.name, book: w, parser: p}
	return s, s.begin()
}

// find finds a sheet as Excel does: upper and lower case are the same.
func (w *Workbook) find(name string) (sheetEntry, error) {
	var names, shown []string
	for _, sheet := range w.sheets {
		switch {
		case name == "" && !sheet.hidden && sheet.part != "", name != "" && strings.EqualFold(sheet.name, name):
			return sheet, nil
		case sheet.part != "":
			names, shown = append(names, sheet.name), append(shown, words.Shorten(sheet.name))
		}
	}
	if name == "" {
		return sheetEntry{}, w.refuse("no sheet with cells is visible").WithHint("say sheet: with the name of one")
	}
	hint := "it has none with cells"
	if near, ok := words.Nearest(name, names); ok {
		hint = "did you mean " + words.Shorten(near) + "?"
	} else if len(names) > 0 {
		const most = 10
		hint = "it has " + strings.Join(shown[:min(len(shown), most)], ", ")
	}
	return sheetEntry{}, w.refuse("there is no sheet "+words.Shorten(name)).WithHint("%s", hint)
}

var (
	compoundMagic = []byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}
	zipMagic      = []byte("PK")
)

// openParts opens the file as an archive of parts.
func openParts(file io.ReaderAt, size int64, name string) (map[string]*zip.File, error) {
	start := make([]byte, len(compoundMagic))
	if _, err := file.ReadAt(start, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.Equal(start, compoundMagic):
		return nil, refuseCompound(file, name)
	case !bytes.HasPrefix(start, zipMagic):
		return nil, refuse(name, "it is no Excel workbook").WithHint("save it as .xlsx; text with delimiters is read by csv")
	}
	directory := &boundedReaderAt{ReaderAt: file, left: maxDirectory}
	archive, err := zip.NewReader(directory, size)
	directory.left = -1
	if errors.Is(err, errTooLarge) || errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, refuse(name, "it is damaged or cut off: its directory cannot be read").WithHint("have it written again")
	}
	if err != nil {
		return nil, err
	}
	parts := make(map[string]*zip.File, len(archive.File))
	for _, part := range archive.File {
		const isEncrypted = 1
		if part.Flags&isEncrypted != 0 {
			return nil, refusePassword(name)
		}
		key := partName(part.Name)
		if parts[key] != nil {
			return nil, refuse(name, "it is damaged: it has two parts named "+words.Shorten(key)).WithHint("have it written again")
		}
		parts[key] = part
	}
	return parts, nil
}

// partName is how a part is found: whatever the case of its letters.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

func refusePassword(name string) error {
	return refuse(name, "it needs a password").WithHint("remove the password in Excel (File, Info, Protect Workbook), and save it")
}

// refuseCompound says what a file of the format is that Excel had before, in which it also wraps what needs a password.
func refuseCompound(file io.ReaderAt, name string) error {
	const headerBytes, directoryBytes = 512, 8 << 10
	header := make([]byte, headerBytes)
	if n, err := file.ReadAt(header, 0); n < len(header) {
		return refuse(name, "it is cut off, or no Excel workbook: "+err.Error()).WithHint("have it written again")
	}
	const shiftAt, sectorAt = 30, 48
	shift := min(int64(header[shiftAt]), 12)
	sector := int64(header[sectorAt]) | int64(header[sectorAt+1])<<8 | int64(header[sectorAt+2])<<16 | int64(header[sectorAt+3])<<24
	directory := make([]byte, directoryBytes) // or as much of it as there is: the rest decides nothing
	n, _ := file.ReadAt(directory, (sector+1)<<shift)
	if bytes.Contains(directory[:n], wide("EncryptedPackage")) {
		return refusePassword(name)
	}
	return refuse(name, "it is an old binary workbook (.xls)").WithHint("save it as .xlsx")
}

// wide is ASCII in UTF-16.
func wide(text string) []byte {
	var to []byte
	for _, c := range []byte(text) {
		to = append(to, c, 0)
	}
	return to
}

// relation leads from a part to another.
type relation struct{ kind, target string }

// is compares the last word of the kind, whose beginning is that of one of two editions of the standard.
func (r relation) is(kind string) bool { return strings.HasSuffix(r.kind, "/"+kind) }

// relations are those of a part, by their names; of the whole if it is "".
func (w *Workbook) relations(part string) (map[string]relation, error) {
	const most = 4 << 20
	slash := strings.LastIndexByte(part, '/') + 1
	folder := part[:slash]
	of := folder + "_rels/" + part[slash:] + ".rels"
	found := map[string]relation{}
	if w.parts[of] == nil {
		return found, nil
	}
	p, err := w.open(of, most)
	if err != nil {
		return nil, err
	}
	defer p.close()
	return found, p.each(func(start element) error {
		if start.Name.Local != "Relationship" || start.value("TargetMode") == "External" {
			return nil
		}
		found[start.value("Id")] = relation{kind: start.value("Type"), target: resolve(folder, start.value("Target"))}
		return nil
	})
}

// resolve is the name of a part that is told as seen from a folder.
func resolve(folder, target string) string {
	if strings.HasPrefix(target, "/") {
		return partName(target)
	}
	var steps []string
	for _, step := range strings.Split(partName(folder+target), "/") {
		switch {
		case step == ".." && len(steps) > 0:
			steps = slices.Delete(steps, len(steps)-1, len(steps))
		case step != "." && step != "..":
			steps = append(steps, step)
		}
	}
	return strings.Join(steps, "/")
}
