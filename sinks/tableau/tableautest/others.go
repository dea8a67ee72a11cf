package tableautest

import (
	"context"
	"fmt"
)

// What follows changes data sources as somebody else would, at once and without a request. Each fails where
// the data source does not exist, or is being changed.

// Overwrite publishes a .hyper file over a data source.
func (s *Server) Overwrite(id, file string) error {
	return s.publishAsOther(context.Background(), id, file, publication{overwrite: true})
}

// Append adds the rows of a .hyper file to a data source.
func (s *Server) Append(ctx context.Context, id, file string) error {
	return s.publishAsOther(ctx, id, file, publication{append: true})
}

func (s *Server) publishAsOther(ctx context.Context, id, file string, wanted publication) error {
	var at *site
	target, err := s.change(id, func(t *site, d *datasource) error {
		at, wanted.publisher = t, t.users[len(t.users)-1]
		return d.occupy()
	})
	if err != nil {
		return err
	}
	wanted.file = s.newFile()
	if err := copyFile(file, wanted.file); err != nil {
		s.release(target)
		return err
	}
	return s.apply(ctx, at, wanted, target)
}

// Rename gives a data source another name.
func (s *Server) Rename(id, name string) error {
	return s.describeAsOther(id, datasourceAsk{Name: &name})
}

// Describe gives a data source another description.
func (s *Server) Describe(id, text string) error {
	return s.describeAsOther(id, datasourceAsk{Description: &text})
}

func (s *Server) describeAsOther(id string, wanted datasourceAsk) error {
	_, err := s.change(id, func(t *site, d *datasource) error {
		d.updated = s.now()
		return t.describe(d, &wanted)
	})
	return err
}

// Delete removes a data source with all its revisions.
func (s *Server) Delete(id string) error {
	_, err := s.change(id, (*site).remove)
	return err
}

// Occupy has a data source be changed by somebody, who needs until release is called and then changes nothing.
func (s *Server) Occupy(id string) (release func(), err error) {
	target, err := s.change(id, func(_ *site, d *datasource) error { return d.occupy() })
	return func() { s.release(target) }, err
}

// change has work done on a data source, under the lock.
func (s *Server) change(id string, work func(*site, *datasource) error) (*datasource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, at := s.find(id)
	if found == nil {
		return nil, fmt.Errorf("there is no data source %s", id)
	}
	return found, work(at, found)
}

// find looks for a data source on all sites. The caller holds the lock.
func (s *Server) find(id string) (*datasource, *site) {
	for _, t := range s.sites {
		if found, err := t.datasourceWithID(id); err == nil {
			return found, t
		}
	}
	return nil, nil
}
