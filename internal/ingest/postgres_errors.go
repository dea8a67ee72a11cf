package ingest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// postgresStates say of SQLSTATEs, or of their classes of two characters, what to do next.
var postgresStates = map[string]struct {
	hint  string
	retry bool // it may pass
	early bool // it says that something is set up wrongly: no data was read
}{
	"08":    {hint: "see whether the server and the network are well, and run again", retry: true},
	"28":    {hint: "check user and password (environment, service file or .pgpass), and pg_hba.conf of the server", early: true},
	"3D000": {hint: "check the name of the database", early: true},
	"40":    {hint: "run again; on a standby, have max_standby_streaming_delay let queries end, or read from the primary", retry: true},
	"42501": {hint: "GRANT the user SELECT on what the query reads", early: true},
	"53300": {hint: "lower parallel, or raise max_connections of the server", retry: true},
	"53":    {hint: "the server lacks memory, disk or connections: see its log", retry: true},
	"55P03": {hint: "somebody alters the table: run again when that is done", retry: true},
	"57014": {hint: "raise timeout, or statement_timeout of the server; otherwise somebody cancelled it"},
	"57P":   {hint: "the server, or somebody on it, ended the session: run again when the server is up", retry: true},
	"58":    {hint: "see the log of the server"},
	"72000": {hint: "the snapshot became too old: raise old_snapshot_threshold of the server, or read less at once"},
	"XX":    {hint: "the server is damaged or has a defect: see its log"},
	"22":    {hint: "a value of a row does not fit what the query does with it: correct the query, or that value"},
	"25006": {hint: "the query must not write"},
	"42":    {hint: "correct the query; psql shows the place", early: true},
	"0A":    {hint: "correct the query", early: true},
}

// postgresFailed tells what could not be done: by an answer of the server, or for lack of one. Where the context was
// cancelled, that is why. Details are left out: they hold values of rows.
func postgresFailed(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var known *failure.Error
	if errors.As(err, &known) {
		return err
	}
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return lostPostgres(doing, err)
	}
	state, ok := postgresStates[answer.Code]
	for length := 3; !ok && length >= 2 && len(answer.Code) >= length; length-- {
		state, ok = postgresStates[answer.Code[:length]]
	}
	kind := failure.Source
	if state.early && !strings.HasPrefix(answer.Code, "28") && answer.Code != "3D000" {
		kind = failure.Config
	}
	failed := failure.New(kind, "%s: %w", doing, &postgresError{said: saidByPostgres(answer), state: answer.Code}).WithHint("%s", state.hint)
	if state.early {
		failed = failed.BeforeData()
		failed.Environment = kind == failure.Source
	}
	if state.retry {
		failed = failed.Retryable()
	}
	return failed
}

// postgresError is what the server answered, as it may be told.
type postgresError struct{ said, state string }

func (a *postgresError) Error() string { return a.said + " (SQLSTATE " + a.state + ")" }

// saidByPostgres is the server's message. What is about a value quotes it, and what functions of users say may be anything:
// that is told in words of ours.
func saidByPostgres(answer *pgconn.PgError) string {
	switch {
	case answer.Code == "22003" || answer.Code == "22008":
		return "a value is out of the range of its type"
	case answer.Code == "22012":
		return "division by zero"
	case answer.Code == "22P02" || answer.Code == "22007":
		return "a text is no value of the type that it is cast to"
	case answer.Code == "22P05" || answer.Code == "22021":
		return "a text has characters that cannot be written in UTF-8"
	case strings.HasPrefix(answer.Code, "22"):
		return "a value does not fit an operation of the query"
	case strings.HasPrefix(answer.Code, "P0"):
		return "a function that the query calls raised an error"
	}
	return words.OneLine(answer.Message)
}

// isDistrusted says whether a server was refused for its certificate.
func isDistrusted(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		host         x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// lostPostgres is about a connection that was not made, or broke.
func lostPostgres(doing string, err error) error {
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) {
		err = errors.Unwrap(connecting) // the address stands before it, and the user is nobody's concern
	}
	if isDistrusted(err) {
		distrusted := failure.New(failure.Source, "%s: %w", doing, err).BeforeData().
			WithHint("have sslrootcert name a file with the certificate of who signed that of the server, and connect by the name " +
				"that is in that; sslmode says how much of it is checked")
		distrusted.Environment = true
		return distrusted
	}
	return failure.New(failure.Source, "%s: %w", doing, err).
		WithHint("see whether the server and the network are well, and run again").Retryable()
}
