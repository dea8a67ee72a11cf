package ingest

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"hyperlake/internal/failure"
)

const (
	snapshotMode = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
	holdingMode  = "ISOLATION LEVEL READ COMMITTED, READ ONLY"
)

// turnTimeout is how long those that read wait for a lock. Who holds the table waits for them, so that they would wait for
// ever behind somebody who wants it alone: then all let go, and try again.
const turnTimeout = time.Second

// sessions opens connections that see one snapshot of the database, in which what the query reads is as it was when
// Columns described it.
//
// A snapshot alone is not enough: a table that is truncated or rewritten between the snapshot and the first statement that
// locks it is empty in the snapshot, without an error. So a transaction of its own locks everything that the query reads
// before the snapshot is taken, and holds it until all that read have their own locks.
func (p *Postgres) sessions(ctx context.Context) ([]*postgresSession, error) {
	all := make([]*postgresSession, 1+p.options.Parallel)
	var group errgroup.Group
	for i := range all {
		group.Go(func() (err error) {
			all[i], err = p.connect(ctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	holder, readers := all[0], all[1:]
	for started := time.Now(); ; {
		err := p.share(ctx, holder, readers)
		if err == nil {
			p.release(holder)
			return readers, nil
		}
		if !isLocked(err) || time.Since(started) > postgresLockTimeout {
			return nil, err
		}
		for _, session := range all {
			if err := session.rollback(ctx); err != nil {
				return nil, err
			}
		}
	}
}

// isLocked says whether a lock was waited for in vain.
func isLocked(err error) bool {
	var answer *postgresError
	return errors.As(err, &answer) && answer.state == "55P03"
}

// share has all readers see one snapshot, and hold what the query reads.
func (p *Postgres) share(ctx context.Context, holder *postgresSession, readers []*postgresSession) error {
	if err := p.hold(ctx, holder); err != nil {
		return err
	}
	snapshot, err := p.lead(ctx, readers[0])
	if err != nil {
		return err
	}
	var group errgroup.Group
	for _, reader := range readers[1:] {
		group.Go(func() error {
			if err := reader.begin(ctx, snapshotMode, snapshot); err != nil {
				return err
			}
			return reader.lock(ctx, p.options.Query)
		})
	}
	return group.Wait()
}

// hold locks what the query reads, and sees whether it gives still what it gave.
func (p *Postgres) hold(ctx context.Context, s *postgresSession) error {
	if err := s.begin(ctx, holdingMode, ""); err != nil {
		return err
	}
	columns, err := s.describe(ctx, p.options.Query)
	if err != nil {
		return err
	}
	if p.columns == nil {
		p.columns = columns
	}
	if !slices.EqualFunc(columns, p.columns, func(a, b postgresColumn) bool { return a.name == b.name && a.kind == b.kind }) {
		return failure.New(failure.Source, "the columns of the query changed on %s between planning and reading", s.address).
			WithHint("run again").Retryable()
	}
	return s.lock(ctx, p.options.Query)
}

// lock has a transaction hold what the query reads, the parts of partitioned tables included: planning locks them.
func (s *postgresSession) lock(ctx context.Context, query string) error {
	if _, err := s.rows(ctx, "EXPLAIN SELECT *"+fromQuery(query)); err != nil {
		return s.failed(ctx, "plan postgres.query", err)
	}
	return nil
}

// lead takes the snapshot, and names it for others. Nobody asks for it where one connection reads.
func (p *Postgres) lead(ctx context.Context, s *postgresSession) (string, error) {
	if err := s.begin(ctx, snapshotMode, ""); err != nil {
		return "", err
	}
	if err := s.lock(ctx, p.options.Query); err != nil {
		return "", err
	}
	if p.options.Parallel == 1 {
		return "", nil
	}
	rows, err := s.rows(ctx, "SELECT pg_catalog.pg_export_snapshot()")
	if err != nil {
		return "", s.failed(ctx, "export the snapshot", err)
	}
	return rows[0][0], nil
}
