package tableautest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/google/uuid"
)

// upload is an upload session: a file that grows by chunks.
type upload struct {
	path string
	size int64
	busy bool // a chunk is arriving
}

func (s *Server) beginUpload(w http.ResponseWriter, _ *http.Request, t *site) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("%d:%s-1:0", 1000+len(t.uploads), strings.ReplaceAll(uuid.NewString(), "-", ""))
	t.uploads[id] = &upload{path: s.newFile()}
	writeReply(w, http.StatusCreated, reply{FileUpload: &fileUploadElement{SessionID: id}})
	return nil
}

func (s *Server) appendUpload(w http.ResponseWriter, r *http.Request, t *site) error {
	id := r.PathValue("id")
	session, err := s.occupyUpload(t, id)
	if err != nil {
		return err
	}
	size, err := s.appendChunk(r, session)
	s.mu.Lock()
	defer s.mu.Unlock()
	session.busy = false
	if err != nil {
		return err
	}
	session.size = size
	writeReply(w, http.StatusOK, reply{FileUpload: &fileUploadElement{SessionID: id, FileSize: megabytes(size)}})
	return nil
}

func (s *Server) occupyUpload(t *site, id string) (*upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := t.uploads[id]
	switch {
	case session == nil:
		return nil, refuse(http.StatusNotFound, "404015", "there is no upload %s", id)
	case session.busy:
		return nil, refuse(http.StatusInternalServerError, "500000", "errors.upload.concurrent_write")
	}
	session.busy = true
	return session, nil
}

// appendChunk writes the chunk of a request behind what is there, and returns the new
// size. What arrived of a chunk that broke off is dropped.
func (s *Server) appendChunk(r *http.Request, session *upload) (int64, error) {
	size, chunks := session.size, 0
	err := readParts(r, func(p part) error {
		switch p.name {
		case "request_payload":
			if n, err := io.Copy(io.Discard, p.content); n > 0 || err != nil {
				return refuse(http.StatusBadRequest, "400019", "the request payload of a chunk must be empty")
			}
		case "tableau_file":
			chunks++
			n, err := writeAt(session.path, session.size, io.LimitReader(p.content, s.config.MaxChunk+1))
			if err == nil && n > s.config.MaxChunk {
				err = refuse(http.StatusBadRequest, "400016", "a chunk may have at most %d bytes", s.config.MaxChunk)
			}
			size += n
			return err
		default:
			return refuse(http.StatusBadRequest, "400019", "unknown part %q", p.name)
		}
		return nil
	})
	if err == nil && chunks != 1 {
		err = refuse(http.StatusBadRequest, "400020", "the request holds %d chunks", chunks)
	}
	return size, err
}

// writeAt writes content into a file from an offset, where the file then ends.
func writeAt(path string, offset int64, content io.Reader) (n int64, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Truncate(offset); err != nil {
		return 0, err
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(file, content)
}

// takeUpload ends an upload session and returns its file.
func (s *Server) takeUpload(t *site, id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := t.uploads[id]
	if session == nil || session.busy {
		return "", refuse(http.StatusNotFound, "404015", "there is no upload %s", id)
	}
	delete(t.uploads, id)
	return session.path, nil
}
