package tableautest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"

	"hyperlake/internal/hyperd"
)

// action changes one table of a data source.
type action struct {
	Kind         string     `json:"action"`
	SourceSchema string     `json:"source-schema"`
	SourceTable  string     `json:"source-table"`
	TargetSchema string     `json:"target-schema"`
	TargetTable  string     `json:"target-table"`
	Condition    *condition `json:"condition"`
}

// update starts a data update, or finds the one that had the same RequestID.
func (s *Server) update(w http.ResponseWriter, r *http.Request, t *site) error {
	requestID := r.Header.Get("RequestID")
	if requestID == "" {
		return refuse(http.StatusBadRequest, "400000", "the header RequestID is missing")
	}
	var wanted struct {
		Actions []action `json:"actions"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestXML)).Decode(&wanted); err != nil || len(wanted.Actions) == 0 {
		return refuse(http.StatusBadRequest, "400000", "the request holds no actions: %v", err)
	}
	if earlier := s.remembered(t, requestID); earlier != nil {
		writeReply(w, http.StatusAccepted, reply{Job: s.element(earlier, faultOf(r))})
		return nil
	}
	target, err := s.occupyForUpdate(t, r.PathValue("id"), r.PathValue("connection"))
	if err != nil {
		return err
	}
	payload, err := s.takePayload(t, r.URL.Query().Get("uploadSessionId"))
	if err != nil {
		s.release(target)
		return err
	}
	work := func(ctx context.Context) error { return s.applyUpdate(ctx, target, payload, wanted.Actions) }
	if faultOf(r).FailJob {
		work = s.failing(target, payload)
	}
	started := s.startJob(t, &job{kind: "UpdateUploadedFile", target: target}, work)
	s.mu.Lock()
	t.updates[requestID] = started
	s.mu.Unlock()
	writeReply(w, http.StatusAccepted, reply{Job: s.element(started, faultOf(r))})
	return nil
}

// remembered finds the update that had a RequestID, if that is not too long ago.
func (s *Server) remembered(t *site, requestID string) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := t.updates[requestID]
	if found != nil && s.now().Sub(found.created) >= requestLife {
		delete(t.updates, requestID)
		return nil
	}
	return found
}

func (s *Server) occupyForUpdate(t *site, id, connection string) (*datasource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	target, err := t.datasourceWithID(id)
	if err != nil {
		return nil, err
	}
	if connection != "" && connection != target.connectionID {
		return nil, refuse(http.StatusNotFound, "404004", "there is no connection %s", connection)
	}
	return target, target.occupy()
}

func (s *Server) release(target *datasource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	target.busy = false
}

// takePayload returns the file of an upload; empty if there is none.
func (s *Server) takePayload(t *site, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	path, err := s.takeUpload(t, id)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > s.config.PayloadLimit {
		err = refuse(http.StatusRequestEntityTooLarge, "413000", "Payload Too Large: at most %d bytes", s.config.PayloadLimit)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(path))
	}
	return path, nil
}

// applyUpdate runs all actions on a copy of the stored file, which becomes the stored one
// if all succeeded.
func (s *Server) applyUpdate(ctx context.Context, target *datasource, payload string, actions []action) error {
	file := s.newFile()
	err := s.engine.change(ctx, target.path, payload, file, func(ctx context.Context, conn *hyperd.Conn) error {
		for _, action := range actions {
			if err := action.run(ctx, conn); err != nil {
				return err
			}
		}
		return nil
	})
	err = errors.Join(err, removeIfThere(payload))
	return s.settle(target, err, func() error { return target.exchange(file, s.now()) })
}
