package ingest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"

	"hyperlake/internal/failure"
)

const (
	// postgresConnectTimeout is how long connecting may take, unless the connection string says how long.
	postgresConnectTimeout = 30 * time.Second

	// postgresLockTimeout is how long a statement waits for a table that somebody alters, unless the connection string says how long.
	postgresLockTimeout = time.Minute
)

// postgresReadBuffer is of one connection.
const postgresReadBuffer = 128 << 10

// postgresKeepAlive finds out that a server is gone which cannot say so: within a minute and a half.
var postgresKeepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 6}

// postgresSession is one connection, and what it is known by in errors and rejects. Not safe for concurrent use.
type postgresSession struct {
	conn     *pgconn.PgConn
	address  string            // postgres://HOST:PORT/DATABASE, without a user
	settings map[string]string // that transactions begin with
}

// connect opens a session, which Close ends if nothing else does.
func (p *Postgres) connect(ctx context.Context) (*postgresSession, error) {
	config, err := p.config()
	if err != nil {
		return nil, err
	}
	if p.options.Timeout > 0 && p.options.Timeout < config.ConnectTimeout {
		config.ConnectTimeout = p.options.Timeout
	}
	limited, cancel := context.WithTimeout(ctx, config.ConnectTimeout)
	defer cancel()
	conn, err := pgconn.ConnectConfig(limited, config)
	if err != nil {
		return nil, postgresFailed(ctx, "connect to "+postgresAddress(config), err)
	}
	p.mu.Lock()
	p.connections = append(p.connections, conn)
	p.mu.Unlock()
	return &postgresSession{conn: conn, address: postgresAddress(config), settings: p.settings(config, conn)}, nil
}

// config is what the environment says of the server.
func (p *Postgres) config() (*pgconn.Config, error) {
	text := ""
	if name := p.options.URLEnv; name != "" {
		if text = os.Getenv(name); text == "" {
			missing := failure.New(failure.Config, "url_env: the environment variable %s is not set", name).
				WithHint("set it to the URL of the database, as in postgres://USER@HOST/DATABASE?sslmode=verify-full")
			missing.Environment = true
			return nil, missing
		}
	}
	config, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, p.unreadable()
	}
	config.RuntimeParams["client_encoding"] = "UTF8"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "hyperlake"
	}
	if config.ConnectTimeout <= 0 {
		config.ConnectTimeout = postgresConnectTimeout
	}
	config.DialFunc = (&net.Dialer{KeepAliveConfig: postgresKeepAlive, Timeout: config.ConnectTimeout}).DialContext
	config.BuildContextWatcherHandler = cancelsOnServer
	config.BuildFrontend = readsAhead
	return config, nil
}

// readsAhead has much be read from the connection at once: rows are messages of a few bytes each.
func readsAhead(r io.Reader, w io.Writer) *pgproto3.Frontend {
	return pgproto3.NewFrontend(bufio.NewReaderSize(r, postgresReadBuffer), w)
}

// unreadable is about a connection string that cannot be read. Its words are those of nothing that was read, as what
// stands at a wrong place in it may be the password.
func (p *Postgres) unreadable() error {
	where := "the environment variables of PostgreSQL hold"
	if p.options.URLEnv != "" {
		where = "url_env: the environment variable " + p.options.URLEnv + " holds"
	}
	bad := failure.New(failure.Config, "%s no URL or connection string that can be read", where).
		WithHint("write postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full, with %%2F for / and the like in the password; " +
			"files that it names (sslrootcert, sslcert, sslkey, service) must exist")
	bad.Environment = true
	return bad
}

// PostgresAddress names the database that an entry reads, as in postgres://HOST:PORT/DATABASE, without the user and the password. urlEnv is
// the variable that holds its address, or empty. It is false where the environment does not say, or not so that it can be read.
func PostgresAddress(urlEnv string) (address string, isKnown bool) {
	config, err := NewPostgres(PostgresOptions{URLEnv: urlEnv}).config()
	if err != nil {
		return "", false
	}
	return postgresAddress(config), true
}

// postgresAddress names a database without the user and the password.
func postgresAddress(config *pgconn.Config) string {
	return "postgres://" + net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))) + "/" + config.Database
}

// cancelGrace is how long the server has to answer once it is told that nobody wants the rest.
const cancelGrace = 5 * time.Second

// cancelsOnServer has a context that is cancelled cancel the query on the server.
func cancelsOnServer(conn *pgconn.PgConn) ctxwatch.Handler {
	return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelGrace}
}

// settings are what makes the text of values the same on every server and for every user. What the connection string sets
// stays.
func (p *Postgres) settings(config *pgconn.Config, conn *pgconn.PgConn) map[string]string {
	settings := map[string]string{
		"timezone":                            "UTC",
		"datestyle":                           "ISO",
		"intervalstyle":                       "iso_8601",
		"bytea_output":                        "hex",
		"extra_float_digits":                  "3",
		"lock_timeout":                        milliseconds(postgresLockTimeout),
		"idle_in_transaction_session_timeout": "0",
	}
	if p.options.Timeout > 0 {
		settings["statement_timeout"] = milliseconds(p.options.Timeout)
		settings["lock_timeout"] = milliseconds(min(postgresLockTimeout, p.options.Timeout))
	}
	for name := range config.RuntimeParams {
		delete(settings, strings.ToLower(name))
	}
	if conn.ParameterStatus("server_encoding") == "SQL_ASCII" {
		// Such a database does not know what its bytes mean: they are taken as they are, and each value is looked at.
		settings["client_encoding"] = "SQL_ASCII"
	}
	return settings
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }

// begin starts a transaction of a mode: of a snapshot that another one exported, if it is named. Those that see a snapshot
// wait for locks by turns.
func (s *postgresSession) begin(ctx context.Context, mode, snapshot string) error {
	statements := []string{"BEGIN TRANSACTION " + mode}
	if snapshot != "" {
		statements = append(statements, "SET TRANSACTION SNAPSHOT "+quoteLiteral(snapshot))
	}
	settings := maps.Clone(s.settings)
	if mode == snapshotMode {
		settings["lock_timeout"] = milliseconds(turnTimeout)
	}
	for name, value := range settings {
		statements = append(statements, "SET LOCAL "+name+" = "+quoteLiteral(value))
	}
	if _, err := s.conn.Exec(ctx, strings.Join(statements, "; ")).ReadAll(); err != nil {
		return s.failed(ctx, "begin a transaction", err)
	}
	return nil
}

// rollback ends a transaction, whatever came of it.
func (s *postgresSession) rollback(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, "ROLLBACK").ReadAll(); err != nil {
		return s.failed(ctx, "end the transaction", err)
	}
	return nil
}

// commit ends a transaction, in which nothing may have failed.
func (s *postgresSession) commit(ctx context.Context) error {
	results, err := s.conn.Exec(ctx, "COMMIT").ReadAll()
	if err == nil && results[len(results)-1].CommandTag.String() != "COMMIT" {
		err = fmt.Errorf("the server rolled it back")
	}
	if err != nil {
		return s.failed(ctx, "end the transaction", err)
	}
	return nil
}

// rows are the results of a query of our own, as text; NULL is empty.
func (s *postgresSession) rows(ctx context.Context, sql string, arguments ...string) ([][]string, error) {
	values := make([][]byte, len(arguments))
	for i, argument := range arguments {
		values[i] = []byte(argument)
	}
	result := s.conn.ExecParams(ctx, sql, values, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, result.Err
	}
	texts := make([][]string, len(result.Rows))
	for i, row := range result.Rows {
		texts[i] = make([]string, len(row))
		for j, value := range row {
			texts[i][j] = string(value)
		}
	}
	return texts, nil
}

// failed tells what could not be done, and where.
func (s *postgresSession) failed(ctx context.Context, doing string, err error) error {
	return postgresFailed(ctx, doing+" on "+s.address, err)
}

// quoteLiteral writes text as SQL, for settings whose strings have standard escapes and those that do not.
func quoteLiteral(text string) string {
	quoted := strings.ReplaceAll(text, "'", "''")
	if strings.Contains(text, `\`) {
		return "E'" + strings.ReplaceAll(quoted, `\`, `\\`) + "'"
	}
	return "'" + quoted + "'"
}

func quoteIdentifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// fromQuery is the query as a part of another, which names it q. It may end in a comment.
func fromQuery(query string) string { return " FROM (\n" + query + "\n) AS q" }
