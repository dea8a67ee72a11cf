package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// hyperExtension ends the names of .hyper files.
const hyperExtension = ".hyper"

// hyperFile is a .hyper file that is open for reading in a session of its own.
type hyperFile struct {
	path  string // absolute
	alias string
	conn  *hyperd.Conn
	lease *hyperd.Lease
}

// openHyperFile opens the .hyper file that a user named. It does not change the file, and
// neither can the session.
func openHyperFile(ctx context.Context, path string, cfg hyperd.Config) (file *hyperFile, err error) {
	if err := checkHyperFile(path); err != nil {
		return nil, err
	}
	file = &hyperFile{alias: strings.TrimSuffix(filepath.Base(path), hyperExtension)}
	if file.alias == "" {
		file.alias = "extract"
	}
	if file.path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if file.lease, err = hyperd.Acquire(ctx, cfg); err != nil {
		return nil, err
	}
	if file.conn, err = file.lease.Connect(ctx); err == nil {
		err = file.conn.AttachReadOnly(ctx, file.path, file.alias)
	}
	if err != nil {
		file.close()
		return nil, explainHyperd(fmt.Errorf("open %s: %w", path, err), path)
	}
	return file, nil
}

// close ends the session. Nothing was written, so that no error matters.
func (f *hyperFile) close() {
	if f.conn != nil {
		_ = f.conn.Close(context.Background())
	}
	f.lease.Release()
}

// checkHyperFile says what is wrong with a path before hyperd is started for it. One that
// leads to no file is a wrong command line.
func checkHyperFile(path string) error {
	stat, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return failure.New(failure.Usage, "there is no file %s", path).WithHint("check the path")
	case err != nil:
		return failure.New(failure.Storage, "%w", err)
	case stat.IsDir():
		return failure.New(failure.Usage, "%s is a folder, not a .hyper file", path).
			WithHint("name a file in it")
	case stat.Size() == 0:
		return failure.New(failure.Storage, "%s is empty (0 bytes): not a .hyper file", path).WithHint("build the file again")
	}
	return nil
}

// isHyper says whether a file is a .hyper file, by its name or else by its first bytes.
func isHyper(path string) bool {
	if filepath.Ext(path) == hyperExtension {
		return true
	}
	stat, err := os.Stat(path)
	if err != nil || !stat.Mode().IsRegular() {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	start := make([]byte, 4)
	_, err = io.ReadFull(file, start)
	return err == nil && strings.EqualFold(string(start), "hype")
}

// hyperdHints say what to do about hyperd's answers, by what they contain.
var hyperdHints = []struct{ answer, hint string }{
	{"hyperd error 25006", "`hyperlake sql` never changes the file; build another one"},
	{"hyperd error 55006", "wait until the program that writes to the file has closed it, or work on a copy"},
	{"hyperd error XX001", "build the file again"},
	{"hyperd error XXS01", "build the file again"},
	{"hyperd error 42809", "check the path: this is not a .hyper file"},
	{"hyperd error 42P01", namesHint},
	{"hyperd error 42703", namesHint},
	{"hyperd error 3F000", namesHint},
}

const namesHint = "`hyperlake inspect {file}` lists tables and columns; names that are not all in lower case stand in double quotes"

// What hyperd's answers hold beside what matters: the file, which we name ourselves, and
// the underline below the part of a statement that they quote, which means nothing when
// it stands on one line with it.
var (
	databaseID = regexp.MustCompile(`:( DatabaseId: "[^"]*")+`)
	underline  = regexp.MustCompile(` \^~*( \(hyperd error \w+\))$`)
)

// explainHyperd makes hyperd's answer about a file as useful as it can be.
func explainHyperd(err error, path string) error {
	failed := *failure.Of(err, failure.Hyperd)
	failed.Message = databaseID.ReplaceAllString(underline.ReplaceAllString(failed.Message, "$1"), "")
	for _, known := range hyperdHints {
		if failed.Hint == "" && strings.Contains(failed.Message, known.answer) {
			failed.Hint = strings.ReplaceAll(known.hint, "{file}", path)
		}
	}
	return &failed
}
