package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5/pgconn"

	"hyperlake/internal/failure"
)

// PostgresOptions say which query is read, and how. They mirror the keys of a configuration.
type PostgresOptions struct {
	// URLEnv is the environment variable that holds a URL (postgres://…) or a connection string (host=… dbname=…) as libpq reads
	// them. Empty: the variables of libpq (PGHOST, PGSERVICE, …) alone. Passwords come from these, a service file or .pgpass.
	URLEnv string

	// Query is one statement that PostgreSQL can read as a table: SELECT, VALUES, TABLE, or WITH … SELECT.
	Query string

	// SplitBy is a column of the query of an integer type, or a date or timestamp, by whose ranges several connections read.
	// Each of them runs the query again for its ranges, which must give the same rows every time: no LIMIT without a complete
	// ORDER BY, no random(). Empty: one connection reads.
	SplitBy string

	// Parallel is how many connections read where SplitBy is set; 2 if it is not positive.
	Parallel int

	// Timeout limits each statement on the server, the time in which rows wait for being written included. Not positive: as the
	// server, or the connection string, has it.
	Timeout time.Duration
}

// defaultParallel is how many connections read where a column to split by is named, and no number: two keep the one writer busy.
const defaultParallel = 2

// Postgres reads the result of a query of a PostgreSQL server (version 10 or later), as it was at one instant: all
// connections see one snapshot, whatever others write meanwhile, and hold the tables against being altered, truncated or
// dropped from before that snapshot on. It reads in transactions that cannot write.
//
// Every value arrives as it is, or its row is a reject: NaN and infinities of numeric, dates and timestamps that are
// infinite, before the year 1 or after the last that Hyper stores, the time 24:00, and text that is not UTF-8 (of databases
// whose encoding is SQL_ASCII). numeric without precision is text; arrays and composites are JSON as PostgreSQL writes it;
// what has no type of its own in Parquet is text as PostgreSQL writes it, intervals by ISO 8601. A type of which none of
// this can be said is refused by its name before data is read. The session's time zone is UTC and its style of dates is ISO,
// unless the connection string says otherwise. Text of types above is what a query's own casts give under these settings.
//
// Its errors are failures: of kind Config where the query or the types of its columns are refused, else of kind Source. They
// hold neither passwords nor values of rows. Cancelling a context cancels the query on the server.
type Postgres struct {
	options PostgresOptions

	mu          sync.Mutex
	connections []*pgconn.PgConn
	columns     []postgresColumn // of Columns
}

// NewPostgres makes a source of rows; it connects when it is asked for something.
func NewPostgres(options PostgresOptions) *Postgres {
	// A semicolon at the end is how statements are written down; the query becomes a part of others.
	options.Query = strings.TrimRight(strings.TrimSpace(options.Query), "; \t\r\n")
	if options.Parallel <= 0 {
		options.Parallel = defaultParallel
	}
	if options.SplitBy == "" {
		options.Parallel = 1
	}
	return &Postgres{options: options}
}

// Columns are those of the query, with the types that their values have in the lake. It runs no query of the user.
func (p *Postgres) Columns(ctx context.Context) (*arrow.Schema, error) {
	session, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer p.release(session)
	if err := session.begin(ctx, "READ ONLY", ""); err != nil {
		return nil, err
	}
	columns, err := session.describe(ctx, p.options.Query)
	if err != nil {
		return nil, err
	}
	if _, err := p.splitColumn(columns); err != nil {
		return nil, err
	}
	p.columns = columns
	fields := make([]arrow.Field, len(columns))
	for i, column := range columns {
		fields[i] = arrow.Field{Name: column.name, Type: column.data, Nullable: true}
	}
	return arrow.NewSchema(fields, nil), nil
}

// splitColumn finds the column to split by; nil without one.
func (p *Postgres) splitColumn(columns []postgresColumn) (*postgresColumn, error) {
	if p.options.SplitBy == "" {
		return nil, nil
	}
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].name
		if columns[i].name != p.options.SplitBy {
			continue
		}
		if _, ok := postgresScales[columns[i].oid]; !ok {
			column := columns[i]
			return nil, failure.New(failure.Config, "split_by: the column %q is %s, which has no ranges to read by", column.name, column.kind).
				WithHint("name a column of an integer type, or a date or timestamp, or leave split_by out")
		}
		return &columns[i], nil
	}
	return nil, failure.New(failure.Config, "split_by: the query has no column %q", p.options.SplitBy).
		WithHint("its columns are %s", strings.Join(names, ", "))
}

// release ends one session.
func (p *Postgres) release(s *postgresSession) { _ = endSession(s.conn) }

// Close ends all sessions, and waits until the server was told to stop what they were doing.
func (p *Postgres) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failed error
	for _, conn := range p.connections {
		failed = errors.Join(failed, endSession(conn))
	}
	p.connections = nil
	return failed
}

// farewell is how long the end of a session may take.
const farewell = 10 * time.Second

// endSession says good-bye, or waits until the request to cancel is sent. A connection that is gone is ended.
func endSession(conn *pgconn.PgConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if !conn.IsClosed() {
		_ = conn.Close(ctx)
	}
	select {
	case <-conn.CleanupDone():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("end the session with PostgreSQL: %w", ctx.Err())
	}
}
