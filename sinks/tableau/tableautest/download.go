package tableautest

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// download sends a data source as the server does: packed, with its extract, whatever it was published
// from; or its description alone.
func (s *Server) download(w http.ResponseWriter, r *http.Request, t *site) error {
	name, extract, err := s.openRevision(t, r.PathValue("id"), r.PathValue("number"))
	if err != nil {
		return err
	}
	defer extract.Close()
	description, err := xml.Marshal(descriptionElement{Name: name, Extract: "Data/Extracts/" + name + ".hyper"})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if strings.EqualFold(r.URL.Query().Get("includeExtract"), "false") {
		w.Header().Set("Content-Disposition", disposition(name+".tds"))
		_, _ = w.Write(append([]byte(xml.Header), description...)) // whoever is gone needs no reply
		return nil
	}
	w.Header().Set("Content-Disposition", disposition(name+".tdsx"))
	_ = pack(w, name, description, extract) // the reply has begun: what it lacks, the reader misses
	return nil
}

// disposition names the file of a reply, in ASCII.
func disposition(fileName string) string {
	plain := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '_'
		}
		return r
	}, fileName)
	return fmt.Sprintf(`name="tableau_datasource"; filename="%s"`, plain)
}

// descriptionElement is what a .tds file says.
type descriptionElement struct {
	XMLName xml.Name `xml:"datasource"`
	Name    string   `xml:"formatted-name,attr"`
	Extract string   `xml:"extract>connection>dbname"`
}

// openRevision opens the file of a data source: of its current revision, if none is named. The current one
// is not known by its number, as on the real server.
func (s *Server) openRevision(t *site, id, number string) (name string, file *os.File, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := t.datasourceWithID(id)
	if err != nil {
		return "", nil, err
	}
	wanted := found.revision
	if number != "" {
		if wanted, err = found.earlier(number); err != nil {
			return "", nil, err
		}
	}
	if wanted.path == "" {
		return "", nil, refuse(http.StatusBadRequest, "400000", "the data source has no content")
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -_.", r) {
			return r
		}
		return '_'
	}, found.name)
	file, err = os.Open(wanted.path)
	return name, file, err
}

func (d *datasource) earlier(number string) (revision, error) {
	wanted, err := strconv.Atoi(number)
	if err != nil {
		return revision{}, refuse(http.StatusBadRequest, "400000", "%s is no number of a revision", number)
	}
	if wanted == d.number {
		return revision{}, refuse(http.StatusBadRequest, "400000", "revision %d is the current one", wanted)
	}
	for _, each := range d.past {
		if each.number == wanted {
			return each, nil
		}
	}
	return revision{}, refuse(http.StatusNotFound, "404000", "there is no revision %d", wanted)
}

// unpack replaces a .tdsx file by the extract in it.
func unpack(file string) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return refuse(http.StatusBadRequest, "400011", "the file is no .tdsx file: %v", err)
	}
	defer func() { _ = archive.Close() }() // it was only read
	for _, entry := range archive.File {
		if path.Ext(entry.Name) != ".hyper" {
			continue
		}
		extract, err := entry.Open()
		if err != nil {
			return err
		}
		defer extract.Close()
		if _, err := writeAt(file+".unpacked", 0, extract); err != nil {
			return err
		}
		return os.Rename(file+".unpacked", file)
	}
	return refuse(http.StatusBadRequest, "400011", "the .tdsx file holds no extract")
}

// pack writes a .tdsx file: an archive of a description and an extract.
func pack(w io.Writer, name string, description []byte, extract io.Reader) error {
	archive := zip.NewWriter(w)
	file, err := archive.Create(name + ".tds")
	if err == nil {
		_, err = file.Write(append([]byte(xml.Header), description...))
	}
	if err == nil {
		file, err = archive.Create(fmt.Sprintf("Data/Extracts/%s.hyper", name))
	}
	if err == nil {
		_, err = io.Copy(file, extract)
	}
	if err != nil {
		return err
	}
	return archive.Close()
}
