package hyperd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// userName is the user that hyperd knows from its start.
const userName = "tableau_internal_user"

// Conn is one session with hyperd. It attaches no database of its own: statements name
// files by ATTACH. Not safe for concurrent use.
//
// Its errors are failures of kind Hyperd: hyperd's refusal of a statement ([IsAnswer]), retryable where it
// lacked memory for it; or the end of hyperd or of the connection, retryable unless this process wanted
// it. Where a disk is full, they are of kind Storage.
type Conn struct {
	pg      *pgconn.PgConn
	process *process
}

// Connect opens a session. It fails as a [Conn] does: where hyperd has ended since, with how that came about.
func (l *Lease) Connect(ctx context.Context) (*Conn, error) {
	// Whoever took hyperd's place at its address does not know the password, and is not told.
	cfg, err := pgconn.ParseConfig("host=localhost dbname='' sslmode=disable require_auth=scram-sha-256 user=" + userName)
	if err != nil {
		return nil, failure.New(failure.Hyperd, "connect to hyperd: %w", err)
	}
	p := l.process
	cfg.Password = p.password
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, p.network, p.address)
	}
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, failure.Of(fmt.Errorf("connect to hyperd: %w", p.explain(err)), failure.Hyperd)
	}
	return &Conn{pg: pg, process: p}, nil
}

// Close ends the session. Databases that it attached are detached by hyperd some time
// later: use [Conn.Detach] where the file is needed next. Its error is that of the connection, of no kind.
func (c *Conn) Close(ctx context.Context) error { return c.pg.Close(ctx) }

// Exec runs one statement and returns how many rows it touched. What hyperd refuses is an error that
// [IsAnswer] knows.
func (c *Conn) Exec(ctx context.Context, sql string) (int64, error) {
	results, err := c.pg.Exec(ctx, sql).ReadAll()
	if err != nil {
		return 0, c.failed(err)
	}
	var rows int64
	for _, result := range results {
		rows += result.CommandTag.RowsAffected()
	}
	return rows, nil
}

// Field describes a column of a result.
type Field struct {
	Name string
	OID  uint32 // PostgreSQL's type number, or hyperd's own for types that PostgreSQL lacks
}

// Query runs statements and calls row for every row of their results, with values in
// hyperd's text form; nil is NULL. The values are valid during the call only. An error
// of row ends the query and the session, and is returned.
func (c *Conn) Query(ctx context.Context, sql string, row func(fields []Field, values [][]byte) error) error {
	return c.QueryResults(ctx, sql, func([]Field) error { return nil }, row)
}

// QueryResults is Query for callers who want the fields of a result without rows, too:
// begin is called once for each result, before its rows. Its error is as one of row.
func (c *Conn) QueryResults(ctx context.Context, sql string, begin func([]Field) error, row func([]Field, [][]byte) error) error {
	results := c.pg.Exec(ctx, sql)
	var failed error
	for failed == nil && results.NextResult() {
		reader := results.ResultReader()
		var fields []Field
		for _, f := range reader.FieldDescriptions() {
			fields = append(fields, Field{Name: f.Name, OID: f.DataTypeOID})
		}
		if fields != nil {
			failed = begin(fields)
		}
		for failed == nil && reader.NextRow() {
			failed = row(fields, reader.Values())
		}
	}
	if failed != nil {
		// The rest of the result is not wanted; a session in the middle of one is of no more use.
		_ = c.pg.Conn().Close()
		_ = results.Close()
		return failed
	}
	if err := results.Close(); err != nil {
		return c.failed(err)
	}
	return nil
}

// QueryValue runs a query whose result is one value. NULL is the empty text. Any other number of rows than one
// is an error of kind Hyperd.
func (c *Conn) QueryValue(ctx context.Context, sql string) (string, error) {
	var value string
	rows := 0
	err := c.Query(ctx, sql, func(_ []Field, values [][]byte) error {
		value = string(values[0])
		rows++
		return nil
	})
	if err == nil && rows != 1 {
		err = failure.New(failure.Hyperd, "hyperd gave %d rows where one was expected: %s", rows, sql)
	}
	return value, err
}

// lacksResources is the class of SQLSTATEs of a lack of memory, which may end when other
// statements do, or of room on a disk, which does not.
const lacksResources = "53"

// failed makes hyperd's answer, or the end of it, readable.
func (c *Conn) failed(err error) error {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		text := answer.Message
		if answer.Detail != "" {
			text += ": " + answer.Detail
		}
		said := &answered{fmt.Sprintf("%s (hyperd error %s)", words.OneLine(text), answer.Code), answer.Code}
		if folder, full := c.process.refusedForRoom(answer); full {
			return noRoom(folder, "hyperd has no room on a disk: %w", said)
		}
		e := failure.New(failure.Hyperd, "%w", said).WithHint("%s", hintOfItsLimit(text))
		if answer.Hint != "" {
			e = e.WithHint("%s", words.OneLine(answer.Hint))
		}
		if strings.HasPrefix(answer.Code, lacksResources) {
			e = e.Retryable()
		}
		return e
	}
	return failure.Of(c.process.explain(err), failure.Hyperd)
}

// answered is hyperd's refusal of a statement.
type answered struct{ text, code string }

func (a *answered) Error() string { return a.text }

// IsAnswer says whether an error is hyperd's refusal of a statement, of which nothing
// stays: the session can go on. All other errors end it.
func IsAnswer(err error) bool {
	var a *answered
	return errors.As(err, &a)
}

// refusesValue is the class of SQLSTATEs of values for which a statement has no result.
const refusesValue = "22"

// RefusedValue returns the code of hyperd's refusal of a statement because of a value, which its text may hold; otherwise "".
func RefusedValue(err error) string {
	var a *answered
	if errors.As(err, &a) && strings.HasPrefix(a.code, refusesValue) {
		return a.code
	}
	return ""
}

// CreateDatabase makes a new database file at path, an absolute path, in a version of the
// format. It is not attached. It fails as [Conn.Exec] does.
func (c *Conn) CreateDatabase(ctx context.Context, path string, version int) error {
	c.process.written.note(path)
	_, err := c.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s WITH VERSION %d", QuoteName(path), version))
	return err
}

// Attach makes the database file at path, an absolute path, known to the session as alias. It
// fails as [Conn.Exec] does: also for a file that may be read but not written.
func (c *Conn) Attach(ctx context.Context, path, alias string) error {
	c.process.written.note(path)
	_, err := c.Exec(ctx, "ATTACH DATABASE "+QuoteName(path)+" AS "+QuoteName(alias))
	return err
}

// AttachReadOnly makes the database file at path, an absolute path, known to the session
// as alias without changing a byte of it: a plain ATTACH writes to the file, and fails
// where it may not be written. The file stays open to other readers, not to writers,
// until it is detached; statements that would change it fail.
func (c *Conn) AttachReadOnly(ctx context.Context, path, alias string) error {
	_, err := c.Exec(ctx, "ATTACH DATABASE "+QuoteName(path)+" AS "+QuoteName(alias)+" WITH (access_mode = readonly)")
	return err
}

// Detach closes an attached database. The file is complete when it returns, and is not to be used if it fails.
func (c *Conn) Detach(ctx context.Context, alias string) error {
	_, err := c.Exec(ctx, "DETACH DATABASE "+QuoteName(alias))
	return err
}

// QuoteName quotes an SQL identifier; several are joined by dots.
func QuoteName(parts ...string) string {
	quoted := make([]string, len(parts))
	for i, part := range parts {
		quoted[i] = `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
	}
	return strings.Join(quoted, ".")
}

// QuoteText quotes an SQL text constant.
func QuoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
