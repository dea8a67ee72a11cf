package tableautest

import (
	"errors"
	"net/http"
	"os"
	"time"
)

// revision is a content that a data source has or had. Publications make one; data updates change
// the current one.
type revision struct {
	number    int // from 1; 0: there is no content
	path      string
	size      int64
	published time.Time
	publisher *user
}

// exchange gives the current revision another file. The caller holds the lock.
func (d *datasource) exchange(file string, now time.Time) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	old := d.path
	d.path, d.size, d.updated = file, info.Size(), now
	return removeIfThere(old)
}

// prune forgets the oldest of more earlier revisions than are kept. The caller holds the lock.
func (d *datasource) prune(kept int) error {
	var err error
	for len(d.past) > kept {
		err = errors.Join(err, removeIfThere(d.past[0].path))
		d.past = d.past[1:]
	}
	return err
}

// occupy keeps others from changing a data source. The caller holds the lock.
func (d *datasource) occupy() error {
	if d.busy {
		return refuse(http.StatusConflict, "409004", "the data source is being changed")
	}
	d.busy = true
	return nil
}

func (s *Server) listRevisions(w http.ResponseWriter, r *http.Request, t *site) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := t.datasourceWithID(r.PathValue("id"))
	if err != nil {
		return err
	}
	all := []revisionElement{}
	for _, each := range append(found.past[:len(found.past):len(found.past)], found.revision) {
		if each.number > 0 {
			all = append(all, revisionElement{
				Number: each.number, PublishedAt: stamp(each.published), Size: each.size,
				Current: each.number == found.number, Publisher: each.publisher.reference(),
			})
		}
	}
	page, pagination, err := pageOf(all, r.URL.Query())
	if err != nil {
		return err
	}
	writeReply(w, http.StatusOK, reply{Pagination: pagination, Revisions: &page})
	return nil
}
