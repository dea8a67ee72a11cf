package publish

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// carrySet sends the extracts of a set that the data source does not have yet, one after another: the first
// replaces what is there, the others are appended.
func (t *transfer) carrySet(ctx context.Context, s *shipment, made *report.Publishing) error {
	if s.delivery.Steps[0].State != applied { // which replaces what the others may have brought
		for _, later := range s.delivery.Steps[1:] {
			*later = step{Rows: later.Rows, State: planned}
		}
	}
	for i, step := range s.delivery.Steps {
		if step.State == applied {
			continue
		}
		if err := t.sendMember(ctx, s, i, made); err != nil {
			return fmt.Errorf("extract %d of %d: %w", i+1, len(s.delivery.Steps), err)
		}
		made.Parts++
	}
	return nil
}

// sendMember sends an extract of a set.
func (t *transfer) sendMember(ctx context.Context, s *shipment, i int, made *report.Publishing) error {
	member := t.extract.set.Extracts[i]
	file, err := t.fetchMember(ctx, member)
	if err != nil {
		return err
	}
	if !storage.IsLocal(member.URI) {
		defer func() { _ = os.Remove(file) }() // it goes away with its folder, at the latest
	}
	of := s.delivery.Steps[i]
	if i > 0 {
		sending := t.sending(ctx, s, of)
		return t.publishStep(ctx, s, of, file, tableau.Append, s.ledger.Tables, made, func() error {
			if err := t.checkUntouched(ctx, s); err != nil {
				return err
			}
			return sending()
		})
	}
	tables, err := t.checkMember(ctx, file, s)
	if err != nil {
		return err
	}
	return t.publishStep(ctx, s, of, file, tableau.Mode(s.delivery.Mode), tables, made, t.sending(ctx, s, of))
}

// checkUntouched fails, right before an extract is sent, if somebody else changed the data source since the one before, which may
// be gone then.
func (t *transfer) checkUntouched(ctx context.Context, s *shipment) error {
	if err := t.look(ctx, s); err != nil {
		return err
	}
	if s.asWeLeftIt() {
		return nil
	}
	return failure.New(failure.Publish, "somebody else changed the data source %q between two extracts", s.datasource).
		WithHint("publishing it again begins with the first extract")
}

// fetchMember makes an extract of a set local, and makes sure that it is the one of the list.
func (t *transfer) fetchMember(ctx context.Context, member output.Member) (string, error) {
	path, err := storage.Fetch(ctx, member.URI, filepath.Join(t.extract.scratch, member.Name))
	if err == nil {
		err = storage.VerifySHA256(ctx, path, member.Bytes, member.SHA256)
	}
	if err != nil {
		return "", failure.New(failure.Publish, "read the extract %s: %w", member.URI, err).WithHint("run the configuration again")
	}
	return path, nil
}

// checkMember holds the first extract against Tableau's rules, and returns its table.
func (t *transfer) checkMember(ctx context.Context, file string, s *shipment) ([]ledgerTable, error) {
	p, err := t.parcelOf(ctx, file, s.datasource)
	if err != nil {
		return nil, err
	}
	if err := p.check(t.cfg.Publish, t.server.Server, nil); err != nil {
		return nil, err
	}
	return p.tables, t.checkFormat(p.format, t.server)
}

// parcelOf is the one table of an extract of a set.
func (t *transfer) parcelOf(ctx context.Context, file, datasource string) (*parcel, error) {
	conn, err := t.lease.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }() // reading leaves nothing to lose
	const alias = "extract"
	if err := conn.AttachReadOnly(ctx, file, alias); err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	catalog, err := hyper.ReadCatalog(ctx, conn, alias)
	if err != nil {
		return nil, err
	}
	parcels := parcelsOf(t.cfg, catalog.Tables)
	if len(parcels) != 1 || len(parcels[0].tables) != 1 || parcels[0].datasource != datasource {
		return nil, failure.New(failure.Publish, "%s does not hold the one table of the configuration", file).
			WithHint("run the configuration again")
	}
	parcels[0].format = catalog.FormatVersion
	return parcels[0], nil
}
